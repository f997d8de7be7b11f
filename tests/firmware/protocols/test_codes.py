"""codes.py and codes.json are one."""

import json
from pathlib import Path

from box.protocols import codes

CODES = json.loads((Path(__file__).parents[2] / "vectors" / "codes.json").read_text())


def test_the_firmware_names_every_code_of_the_wire_and_no_other():
    expected = {
        f"{group}_{name}".upper(): value for group, names in CODES.items() for name, value in names.items()
    }
    actual = {name: value for name, value in vars(codes).items() if name.isupper()}
    assert actual == expected


def test_no_group_gives_one_number_to_two_names():
    for group, names in CODES.items():
        assert len(set(names.values())) == len(names), group
