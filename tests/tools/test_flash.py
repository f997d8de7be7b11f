"""`glovebox-box flash` against the virtual board, through the real mpremote."""

import os
import pty
import re
import threading

import pytest
import serial
from glovebox_tools.box import flash as flashing
from glovebox_tools.box.board import Board, BoardError
from glovebox_tools.box.messages import Words


def copied(said):
    return re.findall(r"\[\d+/\d+\] (\S+)", said)


def test_a_new_box_gets_all_files_and_starts(glovebox_box, firmware, heard):
    code, said, _ = glovebox_box("flash", "--firmware", str(firmware))
    assert code == 0
    assert copied(said)[0] == "box/__init__.mpy"
    assert copied(said)[-1] == "main.py"
    assert len(copied(said)) == 10
    assert "10 files verified" in said
    heard.wait_for("firmware 1 runs")


def test_a_second_time_copies_nothing_and_a_change_copies_only_itself_and_main(glovebox_box, firmware, heard):
    glovebox_box("flash", "--firmware", str(firmware))
    code, said, _ = glovebox_box("flash", "--firmware", str(firmware))
    assert (code, copied(said)) == (0, [])
    assert "nothing to copy" in said
    app = firmware / "box" / "app.py"
    app.write_text(app.read_text().replace("firmware 1", "firmware 2"))
    code, said, _ = glovebox_box("flash", "--firmware", str(firmware))
    assert (code, copied(said)) == (0, ["box/app.mpy", "main.py"])
    heard.wait_for("firmware 2 runs")


def test_many_files_are_counted_before_the_copy_and_few_are_named(glovebox_box, firmware):
    (firmware / "box" / "one_more.py").write_text("")
    _, said, _ = glovebox_box("flash", "--firmware", str(firmware))
    assert "To copy: 11 files." in said
    (firmware / "box" / "one_more.py").write_text("X = 1")
    _, said, _ = glovebox_box("flash", "--firmware", str(firmware))
    assert "To copy: box/one_more.mpy" in said


def test_a_stray_source_that_would_be_loaded_first_is_removed(glovebox_box, firmware, mpremote, tmp_path):
    glovebox_box("flash", "--firmware", str(firmware))
    stray = tmp_path / "app.py"
    stray.write_text("raise SystemError('stale')\n")
    mpremote("fs", "cp", str(stray), ":box/app.py")
    code, said, _ = glovebox_box("flash", "--firmware", str(firmware))
    assert code == 0
    assert "removing box/app.py" in said
    assert "app.py" not in mpremote("fs", "ls", ":box").stdout.replace("app.mpy", "")


def test_the_boxs_own_files_stay(glovebox_box, firmware, mpremote):
    mpremote("exec", "import os; os.mkdir('data'); f = open('data/session', 'w'); f.write('kept'); f.close()")
    glovebox_box("flash", "--firmware", str(firmware))
    assert mpremote("fs", "cat", ":data/session").stdout == "kept"


def test_a_dry_run_changes_nothing(glovebox_box, firmware, mpremote):
    code, said, _ = glovebox_box("flash", "--firmware", str(firmware), "--dry-run")
    assert code == 0
    assert "nothing was changed" in said
    assert "box" not in mpremote("fs", "ls").stdout


def test_firmware_that_does_not_compile_changes_nothing(glovebox_box, firmware, mpremote):
    (firmware / "box" / "part3.py").write_text("x = = 1\n")
    code, _, complaint = glovebox_box("flash", "--firmware", str(firmware))
    assert code == 1
    assert "part3.py" in complaint
    assert "box" not in mpremote("fs", "ls").stdout


def test_unplugged_in_the_middle_it_says_what_to_do_the_box_does_not_start_and_repeating_completes_it(
    board, firmware, glovebox_box, heard, mpremote
):
    glovebox_box("flash", "--firmware", str(firmware))
    heard.wait_for("firmware 1 runs")
    for part in firmware.glob("box/part*.py"):
        part.write_text(part.read_text().replace("xxx", "yyy"))
    said = []

    def say(text):
        said.append(text)
        if "[3/" in text:
            board.unplug()

    with pytest.raises(BoardError) as failed:
        flashing.flash(Board(board.port), Words("en"), say, firmware)
    assert failed.value.key == "unplugged"
    assert "run `glovebox-box flash` again" in said[-1]

    board.plug()
    heard.wait_for_next('Type "help()"', board.power_cycle)
    assert "main.py" not in mpremote("fs", "ls").stdout
    code, text, _ = glovebox_box("flash", "--firmware", str(firmware))
    assert code == 0
    assert len(copied(text)) < 8
    heard.wait_for("firmware 1 runs", times=2)


def test_a_running_watchdog_does_not_cut_the_copy(board, firmware, glovebox_box, heard, machine):
    (firmware / "box" / "app.py").write_text(
        "import machine\nimport time\n\ndef run():\n    dog = machine.WDT(timeout=4000)\n"
        "    print('watched')\n    while True:\n        dog.feed()\n        time.sleep_ms(50)\n"
    )
    glovebox_box("flash", "--firmware", str(firmware))
    heard.wait_for("watched")
    before = list(machine.box.resets)

    pause = threading.Event()

    def say(text):
        if "[1/" in text:  # longer than the watchdog's patience
            pause.wait(5)

    (firmware / "box" / "part0.py").write_text("PART = 100\n")
    flashing.flash(Board(board.port), Words("en"), say, firmware)
    watchdog_reset = 3
    assert watchdog_reset not in machine.box.resets[len(before) :]


def test_the_wrong_port_is_told_as_such():
    master, slave = pty.openpty()
    try:
        os.set_blocking(master, False)
        board = Board(os.ttyname(slave))
        with pytest.raises(BoardError) as failed:
            list(board.lines("exec", "1", silence_s=3))
        assert failed.value.key in ("not_micropython", "silent")
    finally:
        os.close(master)
        os.close(slave)


def test_a_port_that_does_not_exist_is_told_as_such(glovebox_box, firmware):
    code, _, complaint = glovebox_box("flash", "--firmware", str(firmware), port="/dev/ttyUSB99")
    assert code == 1
    assert "There is no port /dev/ttyUSB99" in complaint
    assert "glovebox-box ports" in complaint


def test_a_port_that_another_program_has_open_is_told_as_such(glovebox_box, board, firmware):
    with serial.Serial(board.port, exclusive=True):
        code, _, complaint = glovebox_box("flash", "--firmware", str(firmware))
    assert code == 1
    assert "in use by another program" in complaint
    assert glovebox_box("flash", "--firmware", str(firmware))[0] == 0


def test_a_folder_without_firmware_is_told_and_changes_nothing(glovebox_box, mpremote, tmp_path):
    code, _, complaint = glovebox_box("flash", "--firmware", str(tmp_path))
    assert code == 1
    assert "holds no firmware" in complaint
    assert "box" not in mpremote("fs", "ls").stdout


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (("flash",), "nothing to copy"),
        (("flash", "--dry-run"), "nothing to copy"),
        (("verify",), "all as in this checkout"),
    ],
    ids=["nothing to copy", "dry run", "verify"],
)
def test_asking_leaves_the_box_running(glovebox_box, firmware, heard, command, told):
    glovebox_box("flash", "--firmware", str(firmware))
    heard.wait_for("firmware 1 runs")
    answers = []
    heard.wait_for_next(
        "firmware 1 runs", lambda: answers.append(glovebox_box(*command, "--firmware", str(firmware)))
    )
    assert told in answers[0][1]


def test_a_board_of_another_kind_is_left_alone():
    class Pico(Board):
        def ask(self, script, values=None, silence_s=0):
            return {"platform": "rp2"}

    with pytest.raises(BoardError) as refused:
        flashing.read_facts(Pico("/dev/null"))
    assert refused.value.key == "wrong_platform"


def test_a_micropython_of_another_mpy_version_is_told_before_anything_is_copied(firmware):
    compiling = flashing.compiled({"mpy": 0x2805, "version": "1.18"}, "/dev/ttyUSB0", firmware)
    with pytest.raises(BoardError) as refused:
        compiling.__enter__()
    assert refused.value.key == "wrong_mpy"


def test_a_flash_that_is_too_small_is_told_before_anything_is_copied(firmware, tmp_path):
    from glovebox_tools.firmware_build import build

    plan = flashing.make_plan(build(firmware, tmp_path / "out"), {})
    with pytest.raises(BoardError) as refused:
        flashing._check_room(plan, 40_000)
    assert refused.value.key == "flash_full"


def test_a_file_that_arrived_differently_is_named(firmware, tmp_path):
    from glovebox_tools.firmware_build import build

    files = build(firmware, tmp_path / "out")
    on_box = {str(file.on_box): (file.size, file.sha256) for file in files}
    flashing.check_hashes(files, on_box)
    on_box["box/part2.mpy"] = (on_box["box/part2.mpy"][0], "00" * 32)
    with pytest.raises(BoardError) as failed:
        flashing.check_hashes(files, on_box)
    assert failed.value.values["files"] == "box/part2.mpy"
