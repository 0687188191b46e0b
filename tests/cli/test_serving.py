"""Command serve from outside: what it refuses, each in one line; what it does is in tests/serving."""

import socket

import pytest
from helpers.services import encoder, make


@pytest.fixture(scope="module")
def candidate(tmp_path_factory):
    return make(tmp_path_factory.mktemp("serve") / "own", [encoder()], compiled=False)


def fails(qcompress, said, *arguments):
    done = qcompress("serve", *arguments)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1), done.stderr
    assert said in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "Missing argument"),
        (("none",), "none: no firmware candidate"),
        (("CANDIDATE", "a:0=CANDIDATE"), "versions are 1, 2"),
        (("a:1=CANDIDATE", "a:1=CANDIDATE"), "model a version 1 is there already"),
        (("CANDIDATE", "--host", "0.0.0.0"), "give --certificate with --key, or say --insecure-no-tls"),  # noqa: S104
        (("CANDIDATE", "--host", "0.0.0.0", "--insecure-no-tls"), "or say --insecure-no-token"),  # noqa: S104
        (("CANDIDATE", "--host", "no.such.host.invalid", "--insecure-no-tls", "--insecure-no-token"), "--host no.such"),
        (("CANDIDATE", "--certificate", "none.pem", "--key", "none.pem"), "--certificate none.pem: no such file"),
        (("CANDIDATE", "--certificate", "none.pem"), "TLS takes both"),
        (("CANDIDATE", "--token-file", "none"), "--token-file none: No such file"),
        (("CANDIDATE", "--port", "70000"), "'--port': Input should be less than or equal to 65535"),
        (("CANDIDATE", "--max-queue", "0"), "'--max-queue': Input should be greater than or equal to 1"),
    ],
)
def test_what_cannot_be_served_is_said(qcompress, candidate, arguments, said):
    fails(qcompress, said, *(argument.replace("CANDIDATE", str(candidate)) for argument in arguments))


@pytest.mark.parametrize("option", ["--port", "--grpc-port"])
def test_a_port_that_is_taken_is_said(qcompress, candidate, option):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        other = "--grpc-port" if option == "--port" else "--port"
        fails(qcompress, f"{option} {port}: cannot listen on 127.0.0.1", candidate, option, port, other, 0)


def test_a_damaged_candidate_is_said(qcompress, candidate):
    weights = candidate / "graph" / "encoder" / "graph.json"
    text = weights.read_text()
    try:
        weights.write_text(text[:-20])
        fails(qcompress, "no readable graph", candidate)
    finally:
        weights.write_text(text)
