"""Who may ask, and what is refused before anything is served."""

from pathlib import Path

import pytest

from qcompress.errors import QcompressError
from qcompress.serving import Security
from qcompress.serving.options import is_local

FILE = Path("file")


@pytest.mark.parametrize(
    ("host", "local"),
    [
        *[(host, True) for host in ("localhost", "127.0.0.1", "127.3.2.1", "::1")],
        *[(host, False) for host in ("0.0.0.0", "::", "10.0.0.1", "example.org", "localhost.example.org", "")],  # noqa: S104
    ],
)
def test_what_only_this_machine_reaches(host, local):
    assert is_local(host) == local


@pytest.mark.parametrize(
    ("security", "said"),
    [
        (Security(), "give --certificate with --key, or say --insecure-no-tls"),
        (Security(without_token=True), "give --certificate with --key, or say --insecure-no-tls"),
        (Security(without_tls=True), "give --token-file, or say --insecure-no-token"),
        (Security(certificate=FILE), "TLS takes both"),
        (Security(key=FILE), "TLS takes both"),
        (Security(certificate=FILE, key=FILE, without_tls=True), "exclude each other"),
        (Security(token_file=FILE, without_token=True, without_tls=True), "exclude each other"),
        (Security(certificate=FILE, key=FILE, without_token=True), "--certificate file: no such file"),
        (Security(token_file=FILE, without_tls=True), "--token-file file: No such file"),
    ],
)
def test_beyond_this_machine_both_are_chosen(security, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(QcompressError) as fault:
        security.check("10.0.0.1")
    assert said in str(fault.value)


def test_what_is_waived_and_what_is_local_passes():
    Security(without_tls=True, without_token=True).check("10.0.0.1")
    Security().check("localhost")


def test_a_certificate_that_is_none_is_said(tmp_path):
    for name in ("certificate", "key"):
        (tmp_path / name).write_text("-----BEGIN NOTHING-----\n")
    with pytest.raises(QcompressError, match="no pair of PEM files"):
        Security(tmp_path / "certificate", tmp_path / "key").check("localhost")


@pytest.mark.parametrize("content", ["", "short", "with a space in the middle of it", "ünicode-token-of-some-length"])
def test_a_token_that_is_none_is_not_shown(tmp_path, content):
    (tmp_path / "token").write_text(content)
    with pytest.raises(QcompressError, match="holds no token") as fault:
        Security(token_file=tmp_path / "token").token()
    assert not content or content not in str(fault.value)


def test_a_token_is_what_the_file_holds(tmp_path):
    (tmp_path / "token").write_text("  a-token-of-some-length\n")
    assert Security(token_file=tmp_path / "token").token() == b"a-token-of-some-length"
