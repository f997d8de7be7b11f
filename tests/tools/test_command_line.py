"""What the installer may type wrongly: each gets one clear complaint, in the language asked for, and its exit
code."""

import io

import pytest
from glovebox_tools.box import cli
from serial.tools import list_ports
from serial.tools.list_ports_common import ListPortInfo

PROVISION = (
    "provision",
    "--cloud",
    "https://localhost:1",
    "--token",
    "x",
    "--wifi",
    "Garage",
    "--port",
    "/dev/null",
)


@pytest.fixture
def run(capsys):
    def call(*arguments):
        try:
            code = cli.main(list(arguments))
        except SystemExit as ended:
            code = ended.code
        return code, capsys.readouterr().err

    return call


def test_without_a_command_it_teaches(run):
    code, complaint = run()
    assert code == 2
    assert "in this order" in complaint or "dans cet ordre" in complaint


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("fly",), "'fly' n'existe pas"),
        (("provision", "--token", "x"), "il manque : --cloud, --wifi"),
        (("flash", "--port"), "--port : une valeur est attendue"),
        (("flash", "--foo"), "arguments inconnus : --foo"),
        (("log", "--seconds", "soon"), "--seconds : ce n'est pas un nombre : 'soon'"),
        (("flash", "--dry"), "arguments inconnus : --dry"),
        (("flash", "--dry-run=yes"), "pas de valeur attendue"),
    ],
)
def test_a_wrong_command_line_is_told_in_french_and_ends_with_2(run, arguments, told):
    code, complaint = run("--lang", "fr", *arguments)
    assert code == 2
    assert told in complaint
    assert "--help` dit ce qui est possible" in complaint
    assert not any(word in complaint for word in ("argument ", "expected", "invalid", "required"))


def test_the_help_names_every_exit_code(run, capsys):
    with pytest.raises(SystemExit):
        cli.main(["--help", "--lang", "en"])
    text = capsys.readouterr().out
    for code in ("0 done", "1 not done", "2 wrong command line", f"{cli.EXIT_INTERRUPTED} interrupted"):
        assert code in text


def plugged(monkeypatch, *devices):
    found = []
    for device in devices:
        info = ListPortInfo(device, skip_link_detection=True)
        info.vid, info.pid = 0x10C4, 0xEA60
        found.append(info)
    monkeypatch.setattr(list_ports, "comports", lambda: found)


@pytest.mark.parametrize("command", [("flash",), ("verify",), ("self-test",), ("log",), ("measure",)])
def test_without_a_board_or_with_two_it_takes_none_and_says_what_to_do(run, monkeypatch, command):
    plugged(monkeypatch)
    code, complaint = run(*command, "--lang", "en")
    assert (code, "No box found" in complaint, "cable" in complaint) == (1, True, True)
    plugged(monkeypatch, "/dev/ttyUSB0", "/dev/ttyUSB1")
    code, complaint = run(*command, "--lang", "en")
    assert (code, "/dev/ttyUSB0, /dev/ttyUSB1" in complaint, "--port" in complaint) == (1, True, True)


def test_a_file_that_is_no_port_is_told_as_such(run, tmp_path):
    (tmp_path / "note").write_text("")
    code, complaint = run("verify", "--port", str(tmp_path / "note"), "--lang", "en")
    assert code == 1
    assert "is no serial port" in complaint


@pytest.mark.parametrize("piped", ["", "motdepasse\n"])
def test_without_a_terminal_no_password_is_asked_for_that_would_be_shown(run, monkeypatch, recwarn, piped):
    monkeypatch.setattr("sys.stdin", io.StringIO(piped))
    monkeypatch.setattr("getpass.os.open", no_terminal)
    code, complaint = run(*PROVISION, "--lang", "en")
    assert code == 1
    assert "No password given for the Wi-Fi network Garage" in complaint
    assert "--wifi-password-file" in complaint
    assert not list(recwarn), "Python's own warning tells an installer nothing"


def no_terminal(*_):
    raise OSError


def test_a_password_file_that_is_not_text_is_told(run, tmp_path):
    (tmp_path / "wifi").write_bytes(b"\xff\xfe")
    code, complaint = run(*PROVISION, "--wifi-password-file", str(tmp_path / "wifi"), "--lang", "en")
    assert code == 1
    assert "Check the file" in complaint


def test_a_password_file_too_many_is_told(run, tmp_path):
    (tmp_path / "wifi").write_text("motdepasse")
    twice = ("--wifi-password-file", str(tmp_path / "wifi")) * 2
    code, complaint = run(*PROVISION, *twice, "--lang", "en")
    assert code == 1
    assert "2 password files for 1 networks" in complaint


def test_a_folder_that_cannot_be_written_to_is_told(run, tmp_path):
    code, complaint = run("partitions", "--output", str(tmp_path / "none" / "partitions.bin"), "--lang", "en")
    assert code == 1
    assert "partitions.bin" in complaint
