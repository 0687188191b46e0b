"""Command serve."""

import os
import signal
from pathlib import Path
from typing import Annotated

import typer

from qcompress.cli.arguments import RegistryUrl, Run, Time
from qcompress.serving import Limits, Options, Security


def serve(
    candidates: Annotated[
        list[str],
        typer.Argument(metavar="[NAME[:VERSION]=]CANDIDATE...", help="Folders, or registry:NAME."),
    ],
    host: Annotated[str, typer.Option(help="Where to listen.")] = Options.host,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Of HTTP; 0 for any.")] = Options.port,
    grpc_port: Annotated[int, typer.Option(min=0, max=65535, help="Of gRPC; 0 for any.")] = Options.grpc_port,
    threads: Annotated[int, typer.Option(min=1, help="That share the rows of one request.")] = Options.threads,
    workers: Annotated[int, typer.Option(min=0, help="Large requests computed at a time; 0: as processors.")] = 0,
    max_request_bytes: Annotated[int, typer.Option(min=1024, help="Of one request.")] = Limits.request_bytes,
    max_rows: Annotated[int, typer.Option(min=1, max=2**31 - 1, help="Of one request.")] = Limits.rows,
    max_queue: Annotated[int, typer.Option(min=1, help="Requests under way at a time.")] = Limits.queue,
    deadline: Annotated[float, typer.Option(min=0.001, help="Seconds until a request is begun.")] = Limits.deadline,
    drain: Annotated[float, typer.Option(min=0, help="Seconds for requests under way, at the end.")] = Limits.drain,
    certificate: Annotated[Path | None, typer.Option(metavar="PEM", help="For TLS, with --key.")] = None,
    key: Annotated[Path | None, typer.Option(metavar="PEM", help="Of the certificate.")] = None,
    token_file: Annotated[Path | None, typer.Option(metavar="FILE", help="Holds the token of clients.")] = None,
    insecure_no_tls: Annotated[bool, typer.Option("--insecure-no-tls", help="No TLS beyond this machine.")] = False,
    insecure_no_token: Annotated[
        bool, typer.Option("--insecure-no-token", help="No token beyond this machine.")
    ] = False,
    allow_reload: Annotated[
        bool, typer.Option("--allow-reload", help="Clients may have models loaded again and unloaded.")
    ] = False,
    run: Run = None,
    time: Time = None,
    registry: RegistryUrl = None,
) -> None:
    """Serve networks over HTTP and gRPC in the Open Inference Protocol, which tritonclient and SONIC speak.

    \f

    candidates: [NAME[:VERSION]=]CANDIDATE each; host, port, grpc_port: where to listen; threads, workers: how much is
    computed at a time; max_request_bytes, max_rows, max_queue, deadline, drain: limits; certificate, key, token_file,
    insecure_no_tls, insecure_no_token: who may ask; allow_reload: whether clients may replace models; run, time,
    registry: of registry:NAME.
    """
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # nothing is loaded yet that could be loaded again
    from qcompress.serving.repository import Repository
    from qcompress.serving.server import Address, announced, note_slow
    from qcompress.serving.server import serve as serve_sources
    from qcompress.serving.sources import When, sources_of

    def listening(address: Address, repository: Repository) -> None:
        note_slow(repository)
        print(announced(address, repository), flush=True)

    options = Options(
        host,
        port,
        grpc_port,
        threads,
        workers,
        allow_reload,
        Limits(max_request_bytes, max_rows, max_queue, deadline, drain),
        Security(certificate, key, token_file, insecure_no_tls, insecure_no_token),
    )
    if not serve_sources(sources_of(candidates, When(run, time, registry)), options, listening):
        os._exit(0)  # a thread that computes for nobody any more would hold the process
