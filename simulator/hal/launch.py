"""Start the firmware as the board's boot does: littlefs on `/`, then boot.py, then main.py, both unmodified.

`micropython launch.py` with the environment GLOVEBOX_BRIDGE (the host's socket), GLOVEBOX_HAL and
GLOVEBOX_FIRMWARE (directories; the firmware may also be a ROMFS image, `*.romfs`, whose bytecode is executed
in place as from a board's flash). The firmware lies on `/rom` unless an installer has put a main.py or
main.mpy on the box's own littlefs. GLOVEBOX_RUN names a file to run in place of main.py after boot.py, as
`mpremote run` does.
"""

import sys

sys.path[:] = [".frozen"]
import os  # noqa: E402
import socket  # noqa: E402
import time  # noqa: E402

import tls  # noqa: E402
import vfs  # noqa: E402

# The built-in modules under names that the hal can still import once its own stand before them.
sys.modules["_host_time"] = time
sys.modules["_host_socket"] = socket
sys.modules["_host_tls"] = tls

_HAL = os.getenv("GLOVEBOX_HAL")
_FIRMWARE = os.getenv("GLOVEBOX_FIRMWARE")
_RUN = os.getenv("GLOVEBOX_RUN")


def _open_firmware():
    """The firmware's folder, or its ROMFS image, whose bytecode is executed in place."""
    if not _FIRMWARE.endswith(".romfs"):
        return vfs.VfsPosix(_FIRMWARE)
    with open(_FIRMWARE, "rb") as file:
        return vfs.VfsRom(file.read())


def _mount_host_directories():
    firmware = _open_firmware()  # before the host's files are out of sight
    vfs.umount("/")
    vfs.mount(vfs.VfsPosix(_HAL), "/hal")
    vfs.mount(firmware, "/rom")
    if _RUN:
        directory, _ = _RUN.rsplit("/", 1)
        vfs.mount(vfs.VfsPosix(directory), "/run")


def _mount_flash():
    """littlefs on the partition `vfs`. A blank one is formatted, as the port's `inisetup` does.

    A damaged one is left for the firmware to meet, without a filesystem on `/`. The port's own `_boot` would
    stop at it for ever: this is a board whose image carries the firmware, and a `_boot` that goes on.
    """
    import esp32

    found = esp32.Partition.find(esp32.Partition.TYPE_DATA, label="vfs")
    if not found:
        raise RuntimeError("partitions.csv has no partition vfs")
    device = found[0]
    try:
        # Times of files would be the machine's own, and no two runs would be alike.
        filesystem = vfs.VfsLfs2(device, mtime=False)
    except OSError as error:
        if not _is_blank(device):
            print("simulator: no filesystem can be mounted:", error)
            return
        vfs.VfsLfs2.mkfs(device)
        filesystem = vfs.VfsLfs2(device, mtime=False)
    vfs.mount(filesystem, "/")


def _is_blank(device):
    """Is the first sector erased? That is what `inisetup` goes by."""
    sector = bytearray(device.ioctl(5, 0))
    device.readblocks(0, sector)
    return sector == b"\xff" * len(sector)


def _is_file(path):
    try:
        return os.stat(path)[0] & 0x4000 == 0
    except OSError:
        return False


def _run_file(name, home):
    path = home + name
    if not _is_file(path):
        return
    with open(path) as file:
        code = compile(file.read(), name, "exec")
    exec(code, {"__name__": "__main__", "__file__": path})


def _describe(error):
    import io

    text = io.StringIO()
    sys.print_exception(error, text)
    return text.getvalue()


def prepare():
    """All up to the firmware: mounts, bridge, asyncio, flash. The answer is the directory that boot.py lies
    in."""
    _mount_host_directories()
    sys.path[:] = ["/hal", ".frozen"]
    import _bridge

    _bridge.open_bridge()
    import virtual_asyncio

    virtual_asyncio.install()
    import _os
    import _tls

    _os.install()
    sys.modules["tls"] = _tls  # a built-in module that no file can stand before
    for name in ("esp32", "machine", "neopixel", "network", "socket"):
        __import__(name)  # built in on the board: none is compiled while the firmware runs
    _mount_flash()
    is_installed = _is_file("/main.py") or _is_file("/main.mpy")
    # The firmware's own path is `""` (its root) and /lib, as on the board; the hal stands for the built-in
    # modules.
    sys.path[:] = ["/hal", "", ".frozen", "/lib"] if is_installed else ["/hal", "", ".frozen", "/lib", "/rom"]
    return "/" if is_installed else "/rom/"


def main():
    home = prepare()
    import _bridge

    try:
        try:
            _run_file("boot.py", home)
        except Exception as error:  # as on the board: told on the console, and main.py runs all the same
            print(_describe(error), end="")
        if _RUN:
            _run_file(_RUN.rsplit("/", 1)[1], "/run/")
        else:
            _run_file("main.py", home)
    except SystemExit:
        _bridge.stop(_bridge.RESET, 5)
    except BaseException as error:
        text = _describe(error)
        print(text, end="")
        _bridge.stop(_bridge.CRASHED, 0, text.encode()[-4000:])
    _bridge.stop(_bridge.FINISHED)


if __name__ == "__main__":
    main()
