# mypy: ignore-errors
# Runs on the box: size and SHA-256 of boot.py, main.py and every file under /box.
import hashlib
import json
import os


def _walk(path, depth=0):
    try:
        entries = sorted(os.ilistdir(path))
    except OSError:
        return
    for entry in entries:
        inner = path + "/" + entry[0]
        if entry[1] & 0x4000:
            if depth < 8:
                _walk(inner, depth + 1)
        else:
            _hash(inner)


def _hash(path):
    digest, size, buffer = hashlib.sha256(), 0, bytearray(1024)
    try:
        with open(path, "rb") as file:
            while True:
                n = file.readinto(buffer)
                if not n:
                    break
                digest.update(memoryview(buffer)[:n])
                size += n
    except OSError:
        return
    print("glovebox-answer " + json.dumps([path[1:], size, digest.digest().hex()]))


for _name in ("/boot.py", "/main.py", "/boot.mpy", "/main.mpy"):
    _hash(_name)
_walk("/box")
