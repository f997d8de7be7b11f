"""`glovebox serve` as a process of its own, with its log."""

import re
import signal
import ssl
import subprocess
import sys

WAIT_S = 20
CLI = "import sys; from glovebox.cli import main; sys.exit(main())"


class Program:
    """The real command, on free ports. `before` is Python that runs first: how a test plants a fault."""

    def __init__(self, directory, database_url="", before=""):
        self._log_path = directory / f"serve-{len(list(directory.glob('serve-*.log')))}.log"
        arguments = ["--directory", str(directory), *(["--database", database_url] if database_url else [])]
        ports = ["--web-port", "0", "--box-port", "0"]
        with self._log_path.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", f"{before}\n{CLI}", *arguments, "serve", *ports],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        try:
            self.web_port = self._read_port("console", "http")
            self.box_port = self._read_port("boxes", "https")
        except AssertionError:
            self.end(signal.SIGKILL)
            raise
        self.tls = ssl.create_default_context(cafile=str(directory / "tls" / "ca.pem"))

    def _read_port(self, name, scheme):
        line = self.process.stdout.readline()
        found = re.match(rf"{name} +{scheme}://[^:]+:(\d+)", line)
        assert found, f"the server did not start: {line or self.log}"
        return int(found[1])

    @property
    def log(self):
        """All that it has written to standard error."""
        return self._log_path.read_text()

    def kill(self):
        """SIGKILL, from any thread; `end` still has to be called."""
        self.process.kill()

    def end(self, number=signal.SIGTERM):
        """Ends it and returns its exit status."""
        self.process.send_signal(number)
        status = self.process.wait(WAIT_S)
        self.process.stdout.close()
        return status
