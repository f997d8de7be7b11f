"""The path from an empty server to the first car: its files and its commands are what the code takes."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from glovebox import cli
from glovebox.config import ENVIRONMENT, Config
from glovebox.serving import Server
from support_cloud import FakeClock, SeededEntropy
from support_proxy import HAPROXY, Proxy, write_config
from support_serve import run_command

CLOUD = Path(__file__).parents[2] / "cloud"
DEPLOY = CLOUD / "deploy"
NAMES = {*ENVIRONMENT, "GLOVEBOX_DIRECTORY", "FORWARDED_ALLOW_IPS"}
SETTING = re.compile(r"^#?([A-Z_]+)=(.*)$", re.MULTILINE)


def chapter():
    """The numbered path."""
    return (CLOUD / "README.md").read_text().partition("## Run it in a town")[2].partition("\nTwo ports,")[0]


def commands():
    """The lines of its blocks, one command each."""
    for block in re.findall(r"^   ```\n(.*?)^   ```", chapter(), re.MULTILINE | re.DOTALL):
        for line in block.splitlines():
            yield from line.strip().split(" && ")


def test_each_setting_of_the_file_of_settings_is_one_and_they_are_taken_together():
    text = (DEPLOY / "glovebox.env").read_text()
    settings = {name: shlex.split(value)[0] for name, value in SETTING.findall(text)}
    assert len(settings) > 10
    assert set(settings) <= NAMES
    config = Config.from_environment(settings)
    assert (config.directory, config.public_time_port) == (Path("/var/lib/glovebox"), 80)
    assert config.secure_cookies
    for name in ("haproxy.cfg", "glovebox.service", "glovebox-backup.service"):
        assert set(re.findall(r"GLOVEBOX_[A-Z_]+", (DEPLOY / name).read_text())) <= NAMES


def test_each_command_of_the_path_is_one_that_the_command_line_takes():
    parser, told = cli.build_parser(), []
    for command in commands():
        words = shlex.split(command)
        if words[0] == "glovebox":
            options = parser.parse_args(words[1:])
            told.append(words[3 if words[1] == "--directory" else 1])
            assert callable(options.run)
    assert {"migrate", "ca", "organisation", "site", "person", "login", "vehicle", "box", "restore"} <= set(
        told
    )


def test_each_file_that_the_path_installs_is_there_and_each_unit_calls_what_exists():
    named = re.findall(r"/opt/glovebox/(cloud/deploy/[^ \n]+)", chapter())
    assert len(named) > 4
    for pattern in named:
        assert list(CLOUD.parent.glob(pattern)), pattern
    for unit in re.findall(r"[a-z-]+\.(?:service|timer)", chapter()):
        assert (DEPLOY / unit).exists(), unit
    parser = cli.build_parser()
    for path in DEPLOY.glob("*.service"):
        (line,) = re.findall(r"/opt/glovebox/\.venv/bin/glovebox ([^'\n]+)", path.read_text())
        parser.parse_args(line.split()[:2])
    assert os.access(DEPLOY / "glovebox", os.X_OK)


def test_the_backups_line_makes_a_copy_that_a_trial_takes(tmp_path):
    """The unit's own line, with this machine's places in it."""
    data, copies, trial = tmp_path / "data", tmp_path / "copies", tmp_path / "data" / "trial"
    copies.mkdir()
    run_command(data, "", "migrate")
    run_command(data, "", "organisation", "add", "Ville de X")
    unit = (DEPLOY / "glovebox-backup.service").read_text()
    line = re.search(r"^ExecStart=(.*)$", unit, re.MULTILINE)[1].replace("$$", "$").replace("%%", "%")
    line = line.replace("/var/backups/glovebox", str(copies))
    line = line.replace(
        "/opt/glovebox/.venv/bin/glovebox", shutil.which("glovebox", path=str(Path(sys.executable).parent))
    )
    subprocess.run(shlex.split(line), check=True, env={**os.environ, "GLOVEBOX_DIRECTORY": str(data)})
    (copy,) = copies.glob("*.sqlite")
    trial.mkdir()
    shutil.copy(data / "keys.json", trial)
    run_command(trial, "", "restore", str(copy))
    assert "holds none" in run_command(trial, "", "check")
    assert run_command(trial, "", "vehicle", "list") == ""


@pytest.mark.skipif(HAPROXY is None, reason="no haproxy here")
def test_haproxy_takes_the_example_and_a_box_reaches_the_plain_port_through_it(tmp_path):
    config = Config(tmp_path, web_port=0, box_port=0, box_plain=True)
    server = Server(config, FakeClock(), SeededEntropy())
    server.start()
    try:
        path = write_config(tmp_path, config.tls_directory, 8443, server.box_port)
        checked = subprocess.run([HAPROXY, "-c", "-f", path], capture_output=True, text=True, check=False)
        assert checked.returncode == 0, checked.stderr
        with Proxy(tmp_path, config.tls_directory, server.box_port) as proxy:
            url = f"https://localhost:{proxy.port}/box/v1/sync"
            assert httpx.post(url, content=b"nonsense", verify=proxy.tls).status_code == 400
    finally:
        server.stop()


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd here")
def test_systemd_reads_the_units(tmp_path):
    for path in DEPLOY.glob("glovebox*.*"):
        if path.suffix in (".service", ".timer"):
            text = re.sub(r"/opt/glovebox/\S*/glovebox", "/bin/true", path.read_text())
            (tmp_path / path.name).write_text(text)
    done = subprocess.run(
        ["systemd-analyze", "verify", *map(str, sorted(tmp_path.iterdir()))],
        capture_output=True,
        text=True,
        check=False,
    )
    assert [line for line in done.stderr.splitlines() if "glovebox" in line] == []
