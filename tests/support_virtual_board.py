import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parents[1]


class M:
    def __init__(self, directory):
        directory.mkdir(exist_ok=True)
        self.image = directory / "flash.bin"
        if not self.image.exists():
            self.image.write_bytes(b"\xff" * 4096 * 512)

    def spawn(self, console, *, raw_repl, hard):
        return subprocess.Popen(
            [
                str(HERE / ".venv/bin/micropython"),
                "-i",
                str(HERE / "simulator/glovebox_sim/virtual_board_launch.py"),
                str(self.image),
                "raw" if raw_repl else "full",
            ],
            stdin=console,
            stdout=console,
            stderr=console,
            start_new_session=True,
        )

    def close(self):
        pass


def make_machine(directory):
    return M(directory)
