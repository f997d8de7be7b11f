# mypy: ignore-errors
"""Runs in the MicroPython process of a virtual board: mounts the flash, then boot.py and main.py, then the
REPL.

MicroPython, not CPython. argv: flash image file, "raw" or "full".
"""

import os
import sys

import vfs

IMAGE, MODE = sys.argv[1], sys.argv[2]
BLOCK = 4096


class _Flash:
    def __init__(self, path):
        self.file = open(path, "r+b")  # noqa: SIM115 (stays open for the process)
        self.file.seek(0, 2)
        self.blocks = self.file.tell() // BLOCK

    def readblocks(self, n, buf, offset=0):
        self.file.seek(n * BLOCK + offset)
        self.file.readinto(buf)

    def writeblocks(self, n, buf, offset=0):
        self.file.seek(n * BLOCK + offset)
        self.file.write(buf)
        self.file.flush()

    def ioctl(self, op, arg):
        if op == 4:
            return self.blocks
        if op == 5:
            return BLOCK
        return 0


class _Machine:
    class RTC:
        _at = (2026, 1, 1, 3, 0, 0, 0, 0)

        def datetime(self, value=None):
            if value is not None:
                _Machine.RTC._at = value
                return None
            return _Machine.RTC._at

    PWRON_RESET, HARD_RESET, SOFT_RESET = 1, 2, 5

    @staticmethod
    def reset_cause():
        return 2

    @staticmethod
    def unique_id():
        return b"\x02\x00\x00\x00\x00\x01"

    @staticmethod
    def soft_reset():
        sys.exit()

    @staticmethod
    def reset():
        os.system("kill -9 $PPID")


def _mount():
    flash = _Flash(IMAGE)
    vfs.umount("/")
    try:
        fs = vfs.VfsLfs2(flash, readsize=32, progsize=32, lookahead=32)
    except OSError:
        vfs.VfsLfs2.mkfs(flash)
        fs = vfs.VfsLfs2(flash)
    vfs.mount(fs, "/")
    sys.modules["machine"] = _Machine
    sys.path[:] = ["", ".frozen", "/lib"]


def _run(name):
    try:
        with open(name) as file:
            text = file.read()
    except OSError:
        return
    try:
        exec(compile(text, name, "exec"), globals())
    except Exception as error:
        sys.print_exception(error)


_mount()
sys.stdout.write("\x1eglovebox: booting\x1e")
try:
    _run("boot.py")
    if MODE == "full":
        _run("main.py")
except KeyboardInterrupt as interrupt:
    sys.print_exception(interrupt)
sys.stdout.write("\x1eglovebox: booted\x1e")
