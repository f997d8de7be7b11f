"""The audit of dependencies against a server that answers as PyPI's JSON records do, and against silence."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from glovebox_tools import audit
from support_http import answering

LOCK = """\
jinja2==2.10 \\
    --hash=sha256:aa
uvloop==0.22.1 ; sys_platform != 'win32' \\
    --hash=sha256:bb
"""
KNOWN = {"id": "PYSEC-2019-217", "aliases": ["CVE-2019-10906"], "fixed_in": ["2.10.1"], "withdrawn": None}


@pytest.fixture
def index():
    """Answers with `records`, 404 for what it has none of; `asked` are the paths."""
    index = SimpleNamespace(records={}, asked=[])

    def answer(path, _headers, _body):
        index.asked.append(path)
        record = index.records.get(path)
        return 404 if record is None else 200, {}, json.dumps(record).encode()

    with answering(answer) as index.url:
        yield index


@pytest.fixture
def run(tmp_path, capsys):
    def call(index, lock=LOCK):
        (tmp_path / "lock").write_text(lock)
        status = audit.main(["--lock", str(tmp_path / "lock"), "--index", index])
        return status, *capsys.readouterr()

    return call


def tell(index, jinja2):
    index.records = {
        "/pypi/jinja2/2.10/json": {"vulnerabilities": jinja2},
        "/pypi/uvloop/0.22.1/json": {"vulnerabilities": []},
    }


def test_a_known_vulnerability_fails_and_says_what_mends_it(run, index):
    tell(index, [KNOWN])
    status, told, _complaint = run(index.url)
    assert status == 1
    assert "jinja2 2.10: PYSEC-2019-217 CVE-2019-10906, fixed in 2.10.1" in told


def test_without_findings_and_with_withdrawn_ones_alone_it_passes(run, index):
    for found in ([], [{**KNOWN, "withdrawn": "2020-01-01T00:00:00Z"}]):
        tell(index, found)
        status, told, complaint = run(index.url)
        assert (status, complaint) == (0, "")
        assert "0 known vulnerabilities in the 2 packages" in told


def test_a_package_nobody_tells_about_is_named(run, index):
    tell(index, [])
    del index.records["/pypi/uvloop/0.22.1/json"]
    status, told, complaint = run(index.url)
    assert status == 0
    assert "NOT ASKED: 1 of 2" in complaint
    assert "(uvloop)" in complaint
    assert "in the 1 packages" in told


def test_silence_is_told_and_no_finding_and_a_mirror_without_records_is_not_asked_a_hundred_times(run, index):
    many = "".join(f"package{number}==1.0\n" for number in range(50))
    for where in (index.url, "http://127.0.0.1:9"):
        status, told, complaint = run(where, many)
        assert status == 0
        assert "NOT ASKED: 50 of 50" in complaint
        assert "in the 0 packages" in told
    assert len(index.asked) == audit.UNANSWERED_LIMIT


def test_every_package_of_our_own_lock_is_read():
    lock = (Path(__file__).parents[2] / "requirements.lock").read_text()
    pins = dict(audit.read_pins(lock))
    assert len(pins) == sum(line[:1].isalnum() for line in lock.splitlines()) > 50
    assert {"fastapi", "cryptography", "jinja2", "psycopg-binary"} <= set(pins)
