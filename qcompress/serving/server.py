"""A service from its start to its end: ports, both protocols in one event loop, signals."""

import asyncio
import contextlib
import math
import os
import signal
import socket
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from qcompress.errors import QcompressError
from qcompress.serving.connections import connection_of, most_connections
from qcompress.serving.engine import Engine
from qcompress.serving.grpc_service import GrpcService
from qcompress.serving.http_service import HttpService
from qcompress.serving.management import Management
from qcompress.serving.monitoring import say
from qcompress.serving.options import Options
from qcompress.serving.repository import Repository
from qcompress.serving.sources import Source
from qcompress.serving.statistics import Metrics

if TYPE_CHECKING:
    from uvicorn import Server

BACKLOG = 2048
"""Connections that may wait to be taken."""

LAST_CALL = 0.1
"""Seconds in which what is already on its way is refused properly before the ports close."""


@dataclass(frozen=True)
class Address:
    """Where a service listens; both as HOST:PORT."""

    http: str
    grpc: str


def serve(sources: Sequence[Source], options: Options, listening: Callable[[Address, Repository], None]) -> bool:
    """Serve candidates until SIGTERM or SIGINT; requests under way are answered then, new ones refused.

    listening: called once all models are loaded and checked and both ports are open. SIGHUP loads all candidates again,
    and if it comes while they are loaded, as soon as they are.
    Returns whether all work has ended: what goes on behind the time to drain nobody waits for. Raises QcompressError
    for options, candidates and ports that are none, MismatchError if a check fails.
    """
    hangups: list[int] = []
    signal.signal(signal.SIGHUP, lambda number, frame: hangups.append(number))
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # what it has to say, we say
    import grpc
    import prometheus_client
    import starlette
    import tritonclient.grpc
    import uvicorn

    del grpc, prometheus_client, starlette, tritonclient, uvicorn  # a missing one is said before anything is loaded
    options.security.check(options.host)
    with _listener(options) as listener:
        metrics = Metrics()

        def changed(repository: Repository) -> None:
            metrics.serving([(model.name, model.version, model.content_hash) for model in repository.models()])

        repository = Repository(sources, options.threads, options.limits.rows, changed)
        repository.load()
        _listen(listener, options)
        engine = Engine(repository, options.limits, metrics, options.processors)
        asyncio.run(_run(engine, options, listener, listening, hangups))
        return not engine.working


async def _run(
    engine: Engine,
    options: Options,
    listener: socket.socket,
    listening: Callable[[Address, Repository], None],
    hangups: Sequence[int],
) -> None:
    """Both protocols until a signal comes. hangups: those that came while models were loaded."""
    management, token = Management(engine, options.replacing), options.security.token()
    http = _http_server(HttpService(engine, management, token), options)
    rpc, port = _grpc_server(GrpcService(engine, management, token), options)
    loop, ending = asyncio.get_running_loop(), asyncio.Event()
    reloads: set[asyncio.Task[None]] = set()

    def reload() -> None:
        task = loop.create_task(_reload(management))
        reloads.add(task)
        task.add_done_callback(reloads.discard)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ending.set)
    loop.add_signal_handler(signal.SIGHUP, reload)
    await rpc.start()
    serving = loop.create_task(http.serve([listener]))
    while not http.started and not serving.done():
        await asyncio.sleep(0.005)
    listening(
        Address(_address(options.host, listener.getsockname()[1]), _address(options.host, port)), engine.repository
    )
    if hangups:
        reload()
    stop = loop.create_task(ending.wait())
    await asyncio.wait([stop, serving], return_when=asyncio.FIRST_COMPLETED)
    engine.draining = True
    await asyncio.sleep(LAST_CALL)
    http.should_exit = True
    await asyncio.gather(rpc.stop(options.limits.drain), serving)
    engine.close()


async def _reload(management: Management) -> None:
    with contextlib.suppress(QcompressError):  # it has been said
        await management.reload(None)


@contextlib.contextmanager
def _listener(options: Options) -> Iterator[socket.socket]:
    """The HTTP port, ours, but not open yet; raises QcompressError if it cannot be."""
    try:
        family, *_, address = socket.getaddrinfo(options.host, options.port, type=socket.SOCK_STREAM)[0]
    except OSError as fault:
        raise QcompressError(f"--host {options.host}: {fault.strerror}") from None
    with socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP) as opened:  # so asyncio sees TCP: no delays
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            opened.bind(address)
        except OSError as fault:
            raise _taken(options, fault) from None
        yield opened


def _listen(listener: socket.socket, options: Options) -> None:
    """Take connections on the HTTP port; raises QcompressError if another has it by now."""
    try:
        listener.listen(BACKLOG)
    except OSError as fault:
        raise _taken(options, fault) from None


def _taken(options: Options, fault: OSError) -> QcompressError:
    return QcompressError(
        f"--port {options.port}: cannot listen on {options.host} ({fault.strerror}); 0 takes a free one"
    )


def _http_server(service: HttpService, options: Options) -> "Server":
    """Uvicorn, which leaves signals to us and says nothing."""
    import uvicorn

    class Quiet(uvicorn.Server):
        @contextlib.contextmanager
        def capture_signals(self) -> Iterator[None]:
            yield

    security, limits = options.security, options.limits
    return Quiet(
        uvicorn.Config(
            service.app(),
            log_config=None,
            log_level="error",
            access_log=False,
            lifespan="off",
            http=connection_of(limits.deadline, most_connections()),
            ws="none",
            backlog=BACKLOG,
            timeout_keep_alive=math.ceil(limits.deadline),
            timeout_graceful_shutdown=int(limits.drain) + 1,
            server_header=False,
            ssl_certfile=security.certificate,
            ssl_keyfile=security.key,
        )
    )


def _grpc_server(service: GrpcService, options: Options) -> tuple[Any, int]:
    """The gRPC server and its port; raises QcompressError if that cannot be opened."""
    import grpc

    security, limits = options.security, options.limits
    server = grpc.aio.server(
        options=[
            ("grpc.max_receive_message_length", limits.request_bytes),
            ("grpc.max_send_message_length", -1),
            ("grpc.so_reuseport", 0),
        ],
        maximum_concurrent_rpcs=2 * limits.queue + 16,
    )
    server.add_generic_rpc_handlers((service.handler(),))
    address = _address(options.host, options.grpc_port)
    try:
        if security.certificate is None or security.key is None:
            return server, server.add_insecure_port(address)
        pair = (security.key.read_bytes(), security.certificate.read_bytes())
        return server, server.add_secure_port(address, grpc.ssl_server_credentials([pair]))
    except RuntimeError:
        raise QcompressError(
            f"--grpc-port {options.grpc_port}: cannot listen on {options.host}; 0 takes a free one"
        ) from None


def _address(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def announced(address: Address, repository: Repository) -> str:
    """The line that says where a service listens and what it serves."""
    models = ",".join(f"{model.name}:{model.version}" for model in repository.models())
    return f"serving http={address.http} grpc={address.grpc} models={models}"


def note_slow(repository: Repository) -> None:
    """Say which models have no compiled emulator here, or one of an older version that has no real values."""
    for model in repository.models():
        compiled = model.emulation.compiled
        if compiled is None:
            say(f"{model.name} version {model.version}: not compiled, the reference interpreter answers, slowly")
        elif not model.codes and not compiled.takes_values:
            say(f"{model.name} version {model.version}: real values are converted slowly; build the candidate again")
