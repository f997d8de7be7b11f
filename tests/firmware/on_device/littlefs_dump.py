"""Makes a littlefs with a history and prints its image and what its files hold, for the reader's test.

Runs on MicroPython only. Prints `FILE <path> <hex>` lines and `BLOCK <number> <hex>` for what is written.
"""

import os
from binascii import hexlify

import vfs
from box.storage.snapshot import Snapshot
from littlefs_parts import SECTOR, Flash

SECTORS = 64
MOUNT = "/flash"


def write(path, data):
    with open(MOUNT + "/" + path, "wb") as file:
        file.write(data)


flash = Flash(SECTORS)
vfs.VfsLfs2.mkfs(flash)
vfs.mount(vfs.VfsLfs2(flash), MOUNT)
os.mkdir(MOUNT + "/box")
for number in range(40):
    write(f"box/part{number}.mpy", bytes([number]) * (number * 37))
for size in (1, 500, 4095, 4096, 4097, 9000, 40_000):
    write(f"size{size}", bytes((i * 7 + i // 251) & 255 for i in range(size)))
clock = Snapshot(MOUNT, "clock")
for number in range(300):  # the metadata is rewritten many times over
    clock.save(f"{number:08}".encode())
for number in range(0, 40, 3):
    os.remove(f"{MOUNT}/box/part{number}.mpy")
os.rename(MOUNT + "/size500", MOUNT + "/box/moved")


def dump(folder):
    for name in os.listdir(MOUNT + folder):
        path = folder + "/" + name
        if os.stat(MOUNT + path)[0] & 0x4000:
            dump(path)
        else:
            with open(MOUNT + path, "rb") as file:
                print("FILE", path[1:], hexlify(file.read()).decode())


dump("")
for number in range(SECTORS):
    block = bytes(flash.image[number * SECTOR : (number + 1) * SECTOR])
    if block != b"\xff" * SECTOR:
        print("BLOCK", number, hexlify(block).decode())
