"""A real haproxy in front of the boxes' port, with the deployment's example configuration."""

import os
import resource
import shutil
import socket
import ssl
import subprocess
import time
from pathlib import Path

EXAMPLE = Path(__file__).resolve().parents[1] / "cloud" / "deploy" / "haproxy.cfg"
HAPROXY = shutil.which("haproxy", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
"""None: there is none on this machine."""
START_LIMIT_S = 20.0
# What a process has open beside its links.
OTHER_FILES = 200


def write_config(directory, tls_directory, port, to_port):
    """The example with this machine's places in it; it runs as who starts it. Returns its path."""
    pem = directory / "glovebox.pem"
    pem.touch(0o600)
    pem.write_bytes(b"".join((tls_directory / name).read_bytes() for name in ("server.pem", "server.key")))
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    text = EXAMPLE.read_text()
    for here, there in {
        "    user haproxy\n    group haproxy\n": "",
        "maxconn 30000": f"maxconn {min(30_000, (hard - OTHER_FILES) // 2)}",
        "bind :8443 ": f"bind 127.0.0.1:{port} ",
        "/etc/haproxy/glovebox.pem": str(pem),
        "127.0.0.1:8444": f"127.0.0.1:{to_port}",
    }.items():
        assert here in text, here
        text = text.replace(here, there)
    path = directory / "haproxy.cfg"
    path.write_text(text)
    return path


class Proxy:
    """So many processes of it on one port: each may open as many files as its own limit says. `with` ends
    them. Raises RuntimeError where they do not start."""

    def __init__(self, directory, tls_directory, to_port, processes=1):
        # Held, but not listened on: nobody else takes it, and the kernel deals connections out among them.
        self._reserved = socket.socket()
        self._reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        self._reserved.bind(("127.0.0.1", 0))
        self.port = self._reserved.getsockname()[1]
        self.tls = ssl.create_default_context(cafile=str(tls_directory / "ca.pem"))
        path = write_config(directory, tls_directory, self.port, to_port)
        self._log = (directory / "haproxy.log").open("wb")
        self._processes = [
            subprocess.Popen([HAPROXY, "-db", "-f", str(path)], stdout=self._log, stderr=self._log)
            for _ in range(processes)
        ]
        try:
            for process in self._processes:
                self._wait_until_listening(process)
        except BaseException:
            self.end()
            raise

    def _wait_until_listening(self, process):
        give_up = time.monotonic() + START_LIMIT_S
        while not self._is_listening(process.pid):
            if process.poll() is not None or time.monotonic() > give_up:
                raise RuntimeError(f"haproxy did not start: {Path(self._log.name).read_text()}")
            time.sleep(0.01)

    def _is_listening(self, pid):
        """Whether that very process has a listening socket on the port."""
        mine = set()
        for one in Path(f"/proc/{pid}/fd").iterdir():
            try:
                mine.add(os.readlink(one))
            except OSError:  # closed meanwhile
                continue
        for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
            words = line.split()
            at_port, is_listening = int(words[1].split(":")[1], 16) == self.port, words[3] == "0A"
            if at_port and is_listening and f"socket:[{words[9]}]" in mine:
                return True
        return False

    def read_memory(self):
        """Resident bytes of all its processes."""
        pages = sum(int(Path(f"/proc/{one.pid}/statm").read_text().split()[1]) for one in self._processes)
        return pages * os.sysconf("SC_PAGE_SIZE")

    def end(self):
        """Ends all."""
        for process in self._processes:
            process.kill()
            process.wait()
        self._reserved.close()
        self._log.close()

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        self.end()
