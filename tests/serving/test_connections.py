"""Connections of a server in this process, with raw sockets."""

import asyncio
import contextlib
import json
import logging
import resource
import time
from functools import partial

import pytest
import uvicorn
from uvicorn.server import ServerState

from qcompress.serving.connections import MOST, connection_of, most_connections

DEADLINE = 0.3
HEAD = b"GET / HTTP/1.1\r\nHost: a\r\n"


async def application(scope, receive, send):
    await asyncio.sleep(2 * DEADLINE)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


def with_server(most, ask):
    """What `ask`, given a function that opens a connection, finds."""
    writers = []

    async def opened(port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writers.append(writer)
        return reader, writer

    async def run():
        config, state = uvicorn.Config(application, log_config=None, lifespan="off", ws="none"), ServerState()
        kind = connection_of(DEADLINE, most)
        server = await asyncio.get_running_loop().create_server(lambda: kind(config, state, {}), "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            try:
                return await asyncio.wait_for(ask(partial(opened, port)), 20)
            finally:
                for writer in writers:
                    writer.close()
                    with contextlib.suppress(ConnectionError):
                        await writer.wait_closed()

    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
    return asyncio.run(run())


def test_half_a_header_is_waited_for_no_longer_than_the_deadline():
    async def ask(opened):
        reader, writer = await opened()
        started = time.monotonic()
        for _ in range(2):  # what is said in between does not lengthen it
            writer.write(HEAD[:20])
            await asyncio.sleep(DEADLINE / 3)
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await reader.readexactly(1)
        return time.monotonic() - started

    assert 0.9 * DEADLINE < with_server(10, ask) < 10 * DEADLINE


def test_an_answer_that_takes_longer_comes_and_the_time_begins_anew():
    async def ask(opened):
        reader, writer = await opened()
        for _ in range(2):
            writer.write(HEAD + b"\r\n")
            assert (await reader.readuntil(b"ok")).startswith(b"HTTP/1.1 200")
        started = time.monotonic()
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await reader.readexactly(1)
        return time.monotonic() - started

    assert 0.9 * DEADLINE < with_server(10, ask) < 10 * DEADLINE


def test_more_connections_than_may_be_open_are_refused():
    async def ask(opened):
        kept = [await opened() for _ in range(2)]
        reader, _ = await opened()
        head, body = (await reader.read()).split(b"\r\n\r\n")
        kept[0][1].write(HEAD + b"\r\n")
        assert (await kept[0][0].readuntil(b"ok")).startswith(b"HTTP/1.1 200")
        return head.split()[1], json.loads(body)

    assert with_server(2, ask) == (b"503", {"error": "2 connections are open; try again later"})


@pytest.mark.parametrize("said", [b"\x00\x01\r\n\r\n", HEAD + b"Transfer-Encoding: chunked\r\n\r\nno number\r\n"])
def test_what_is_no_http_gets_the_error_of_the_protocol(said):
    async def ask(opened):
        reader, writer = await opened()
        writer.write(said)
        head, body = (await reader.read()).split(b"\r\n\r\n")
        return head.split()[1], json.loads(body)

    assert with_server(10, ask) == (b"400", {"error": "the request is no HTTP/1.1"})


@pytest.mark.parametrize(
    ("descriptors", "most"), [(256, 128), (1024, 768), (10**6, MOST), (resource.RLIM_INFINITY, MOST)]
)
def test_room_is_left_below_the_limit_of_descriptors(monkeypatch, descriptors, most):
    monkeypatch.setattr(resource, "getrlimit", lambda which: (descriptors, descriptors))
    assert most_connections() == most
