"""Compiling the device files."""

import subprocess
import sys

import pytest
from glovebox_tools.firmware_build import FIRMWARE, MPY_VERSION, BuildError, architecture, build


@pytest.fixture
def firmware(tmp_path):
    folder = tmp_path / "firmware"
    (folder / "box").mkdir(parents=True)
    (folder / "boot.py").write_text("")
    (folder / "main.py").write_text("import box.app\n")
    (folder / "box" / "__init__.py").write_text("")
    (folder / "box" / "app.py").write_text("def run():\n    return 1\n")
    return folder


def test_every_device_file_of_the_firmware_compiles(tmp_path):
    files = build(FIRMWARE, tmp_path / "out")
    assert len(files) > 40
    for file in files:
        if file.on_box.suffix == ".mpy":
            assert file.built.read_bytes()[:2] == bytes([ord("M"), MPY_VERSION])


def test_what_is_started_by_name_stays_source_and_comes_last(firmware, tmp_path):
    names = [str(file.on_box) for file in build(firmware, tmp_path / "out")]
    assert names == ["box/__init__.mpy", "box/app.mpy", "boot.py", "main.py"]


def test_a_file_that_does_not_compile_is_named_with_its_line(firmware, tmp_path):
    (firmware / "box" / "app.py").write_text("def run()\n    return 1\n")
    with pytest.raises(BuildError, match=r"app\.py"):
        build(firmware, tmp_path / "out")


def test_a_file_deleted_from_the_sources_leaves_the_build(firmware, tmp_path):
    (firmware / "box" / "old").mkdir()
    (firmware / "box" / "old" / "thing.py").write_text("x = 1\n")
    build(firmware, tmp_path / "out")
    (firmware / "box" / "old" / "thing.py").unlink()
    build(firmware, tmp_path / "out")
    assert not (tmp_path / "out" / "box" / "old").exists()


def test_a_folder_without_firmware_is_refused(tmp_path):
    with pytest.raises(BuildError):
        build(tmp_path, tmp_path / "out")


@pytest.mark.parametrize(("mpy", "name"), [(0x2806, "xtensawin"), (2822, "x64"), (6, ""), (0xFFFF, "")])
def test_the_architecture_is_read_from_what_the_board_tells(mpy, name):
    assert architecture(mpy) == name


def test_the_table_of_sizes_ends_with_the_sum(firmware):
    done = subprocess.run(
        [sys.executable, "-m", "glovebox_tools.mpy_sizes", "--firmware", str(firmware)],
        capture_output=True,
        text=True,
        check=True,
    )
    lines = done.stdout.splitlines()
    assert lines[-1].endswith("4 files")
    sizes = [int(line.split()[1]) for line in lines[1:-1]]
    assert int(lines[-1].split()[1]) == sum(sizes)


def test_the_table_of_sizes_fails_with_the_compilers_words(firmware):
    (firmware / "box" / "app.py").write_text("def run(:\n")
    done = subprocess.run(
        [sys.executable, "-m", "glovebox_tools.mpy_sizes", "--firmware", str(firmware)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "app.py" in done.stderr
