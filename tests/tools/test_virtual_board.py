"""Plain mpremote, started as a user starts it, against the virtual board."""

import hashlib
import re
import select
import subprocess
import sys

RUN_FOREVER = 'import time\nprint("main runs")\nwhile True:\n    time.sleep(0.05)\n'


def test_files_are_copied_listed_read_hashed_and_removed(mpremote, tmp_path):
    content = bytes(range(256)) * 20
    (tmp_path / "blob.bin").write_bytes(content)
    assert mpremote("fs", "mkdir", ":box").returncode == 0
    assert mpremote("fs", "cp", str(tmp_path / "blob.bin"), ":box/blob.bin").returncode == 0
    listed = mpremote("fs", "ls", ":box")
    assert re.search(r"\b5120 blob\.bin", listed.stdout)
    hashed = mpremote("fs", "sha256sum", ":box/blob.bin")
    assert hashlib.sha256(content).hexdigest() in hashed.stdout
    assert mpremote("fs", "cp", ":box/blob.bin", str(tmp_path / "back.bin")).returncode == 0
    assert (tmp_path / "back.bin").read_bytes() == content
    assert mpremote("fs", "rm", ":box/blob.bin").returncode == 0
    assert "blob.bin" not in mpremote("fs", "ls", ":box").stdout


def test_a_file_that_is_not_there_is_an_error_of_mpremote(mpremote):
    answer = mpremote("fs", "cat", ":nothing.txt")
    assert answer.returncode != 0
    assert "No such file" in answer.stderr + answer.stdout


def test_df_shows_the_littlefs_partition_at_the_root(mpremote):
    last = mpremote("df").stdout.splitlines()[-1].split()
    assert last[0].startswith("<VfsLfs2")
    assert last[-1] == "/"
    assert int(last[1]) >= 1_000_000


def test_exec_prints_and_raises_as_on_a_board(mpremote):
    assert mpremote("exec", "print(6 * 7)").stdout == "42\n"
    failed = mpremote("exec", "raise ValueError('no')")
    assert failed.returncode == 1
    assert "ValueError: no" in failed.stdout + failed.stderr


def test_run_sends_a_local_file_larger_than_the_paste_window(mpremote, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "total = 0\n" + "total += 1  # a line of the script\n" * 400 + "print('total', total)\n"
    )
    assert mpremote("run", str(script)).stdout.strip() == "total 400"


def test_a_soft_reset_forgets_variables_and_keeps_files(mpremote, board):
    mpremote("exec", "open('kept', 'w').close(); import sys; sys.kept = 1; x = 5")
    before = board.resets
    answer = mpremote("soft-reset", "exec", "print('x' in globals(), 'kept' in __import__('os').listdir())")
    assert answer.stdout.strip() == "False True"
    assert board.resets > before


def test_resume_keeps_variables_because_it_does_not_reset(mpremote):
    mpremote("exec", "x = 5")
    assert mpremote("resume", "exec", "print(x)").stdout.strip() == "5"


def test_a_soft_reset_in_raw_repl_runs_boot_but_not_main(mpremote, tmp_path):
    (tmp_path / "boot.py").write_text("booted = True\n")
    (tmp_path / "main.py").write_text("mained = True\n")
    mpremote(
        "fs",
        "cp",
        str(tmp_path / "boot.py"),
        ":boot.py",
        "+",
        "fs",
        "cp",
        str(tmp_path / "main.py"),
        ":main.py",
    )
    answer = mpremote("exec", "print('booted' in globals(), 'mained' in globals())")
    assert answer.stdout.strip() == "True False"


def test_reset_starts_main_and_a_new_connection_interrupts_it(mpremote, heard, tmp_path):
    (tmp_path / "main.py").write_text(RUN_FOREVER)
    mpremote("fs", "cp", str(tmp_path / "main.py"), ":main.py")
    assert mpremote("reset").returncode == 0
    heard.wait_for("main runs")
    assert mpremote("exec", "print('stopped it')").stdout.strip() == "stopped it"
    assert "KeyboardInterrupt" in heard.wait_for("KeyboardInterrupt")


def test_the_clock_is_set_and_read_by_rtc(mpremote):
    assert mpremote("rtc", "--set").returncode == 0
    year = int(mpremote("resume", "rtc").stdout.strip("() \n").split(",")[0])
    assert year >= 2025


def test_a_folder_of_the_computer_can_be_mounted(mpremote, tmp_path):
    (tmp_path / "told.py").write_text("print('told from the computer')\n")
    answer = mpremote("mount", str(tmp_path), "exec", "import told")
    assert "told from the computer" in answer.stdout


def test_pulling_the_cable_ends_mpremote_with_an_error_and_the_box_runs_on(board, heard, mpremote):
    port = board.port
    running = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "mpremote",
            "connect",
            port,
            "exec",
            "import time\nwhile 1: print('tick'); time.sleep(.02)",
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    heard.wait_for("tick", times=3)
    board.unplug()
    _, _ = running.communicate(timeout=30)
    assert running.returncode != 0
    heard.wait_for("tick", times=heard.wait_for("tick").count("tick") + 3)
    board.plug()
    assert mpremote("exec", "print('back')").stdout.strip() == "back"


def test_a_power_cut_ends_the_program_and_boots_anew(board, heard, mpremote):
    mpremote("exec", "x = 5")
    before = board.resets
    heard.wait_for_next('Type "help()"', board.power_cycle)
    assert board.resets == before + 1
    assert mpremote("resume", "exec", "print('x' in globals())").stdout.strip() == "False"


def test_an_interrupt_at_the_prompt_does_not_end_the_process(board, mpremote):
    before = board.resets
    with open(board.port, "r+b", buffering=0) as port:
        for _ in range(5):
            port.write(b"\x03")
            assert select.select([port], [], [], 10)[0]
            port.read(100)
    assert mpremote("resume", "exec", "print('alive')").stdout.strip() == "alive"
    assert board.resets == before
