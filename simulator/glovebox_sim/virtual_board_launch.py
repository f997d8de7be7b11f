# mypy: ignore-errors
"""Runs in the MicroPython process of a virtual board: what hal/launch.py does, and then the REPL.

MicroPython, not CPython; started with `-i`, so that the REPL follows. Environment: that of hal/launch.py,
and GLOVEBOX_CONSOLE: `raw` after a soft reset in raw REPL (boot.py only), else `full`.
"""

import sys

_home = sys.argv[0].rsplit("/", 1)[0]
sys.path[:] = [_home + "/../hal"]
# a Ctrl-C that the supervisor sends over the bridge, where it cannot cut an answer in two
_EVENT_CONSOLE = 9
_STALE_US = 400000  # one that comes later was meant for a program that has ended meanwhile


def _interrupt(payload):
    import _bridge

    if _bridge.now_us() - int.from_bytes(payload, "little") < _STALE_US:
        raise KeyboardInterrupt


_OF_THE_HOST = ("hal", "flash")


class _Module:
    """A built-in module with some of its functions replaced."""

    def __init__(self, module):
        self._module = module

    def __getattr__(self, name):
        return getattr(self._module, name)


class _Vfs(_Module):
    """`vfs` without the host's directories: `mpremote df` shows what a board has. No ROM file system
    here.
    """

    def mount(self, *args, **kwargs):
        mounted = self._module.mount(*args, **kwargs)
        return mounted if args else [row for row in mounted if row[1][1:] not in _OF_THE_HOST]

    def rom_ioctl(self, operation, *args):
        return 0 if operation == 1 else -22  # no partitions; EINVAL


class _Os(_Module):
    """`os` without the host's directories in the root."""

    def ilistdir(self, path=""):
        for entry in self._module.ilistdir(path):
            if entry[0] not in _OF_THE_HOST or path not in ("", "/", ".") or self._module.getcwd() != "/":
                yield entry

    def listdir(self, path=""):
        return [entry[0] for entry in self.ilistdir(path)]


def _run(name, namespace):
    try:
        with open(name) as file:
            text = file.read()
    except OSError:
        return
    exec(compile(text, name, "exec"), namespace)


def _boot(namespace):
    import launch

    launch.prepare()
    sys.path[:] = ["/hal", "", ".frozen", "/lib"]
    import os

    import _bridge
    import vfs

    vfs.umount("/rom")
    sys.modules["vfs"], sys.modules["os"] = _Vfs(vfs), _Os(os)
    os.chdir("/")

    _bridge.handlers[(_EVENT_CONSOLE, 0)] = _interrupt
    sys.stdout.write("\x1eglovebox: booting\x1e")
    names = ("boot.py",) if os.getenv("GLOVEBOX_CONSOLE") == "raw" else ("boot.py", "main.py")
    try:
        for name in names:
            try:
                _run(name, namespace)
            except Exception as error:
                sys.print_exception(error)
    except KeyboardInterrupt as interrupt:
        sys.print_exception(interrupt)
    sys.stdout.write("\x1eglovebox: booted\x1e")
    sys.modules.pop("launch", None)


_boot(globals())
