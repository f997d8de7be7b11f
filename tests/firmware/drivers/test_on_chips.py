"""Each driver on its chip's model, one test at a time; `test_both_pythons` runs the same files under
MicroPython.
"""

import importlib.util
from pathlib import Path

import pytest

FILES = sorted((Path(__file__).resolve().parents[1] / "on_device").glob("*_chips.py"))


def load(path):
    specification = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


TESTS = [
    pytest.param(function, id=f"{path.stem}-{name}")
    for path in FILES
    for name, function in vars(load(path)).items()
    if name.startswith("test_")
]


@pytest.mark.parametrize("test", TESTS)
def test_the_driver_on_its_chip(test):
    test()


def test_there_are_tests():
    assert TESTS
