"""The inference service, started from outside, and tritonclient in this process: rates in batches, latency of a row.

Every answer is compared with the graph's. Client and service share this machine's processors. "bytes alone" is the
same messages through gRPC to a service of the same library that computes nothing: what the protocol itself can do.
"""

import argparse
import multiprocessing
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from qcompress.candidate import Candidate
from qcompress.graph import Graph
from qcompress.targets.cpp.emulator import Cpp

DESCRIPTION: dict[str, Any] = {
    "detector": None,
    "config": None,
    "seed": 0,
    "versions": {},
    "front_end": {},
    "targets": {},
}
LISTENING = re.compile(r"serving http=(\S+) grpc=(\S+) models=(\S+)")


class Work(NamedTuple):
    """Rows for a model, and what it must answer."""

    model: str
    datatype: str
    given: npt.NDArray[Any]
    expected: npt.NDArray[Any]


def encoder() -> Graph:
    """The ECON-T encoder: 8x8 -> 8 filters 3x3, stride 2 -> 16 latents of 3 bits, 6-bit weights."""
    from bench_emulator import encoder as layers

    from qcompress.frontends.qkeras import convert, import_keras

    keras = import_keras()
    import qkeras

    keras.utils.set_random_seed(1)
    return convert(keras.Sequential(layers(keras, qkeras)), "encoder").graph


def made(folder: Path) -> Path:
    """A candidate of that encoder alone."""
    graph = encoder()
    candidate = Candidate.create(folder, {"name": "encoder", **DESCRIPTION})
    graph.save(folder / "graph" / graph.name)
    Cpp().build(graph, folder / "cpp" / graph.name)
    return candidate.folder


@contextmanager
def service(candidate: Path) -> Iterator[tuple[str, str]]:
    """A service of a candidate, from outside; where it speaks HTTP and gRPC."""
    command = [sys.executable, "-m", "qcompress.cli", "serve", str(candidate), "--port", "0", "--grpc-port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout
        match = LISTENING.match(process.stdout.readline())
        if match is None:
            raise SystemExit("the service did not start")
        yield match[1], match[2]
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def works(graph: Graph, rows: int) -> list[Work]:
    """The same rows as values and as codes."""
    rng = np.random.default_rng(0)
    port, end = graph.input_ports[0], graph.output_ports[0]
    low, high = port.format.min_code, port.format.max_code
    codes = rng.integers(low, high, (rows, *port.shape), endpoint=True)
    found = graph.run(codes)
    narrow = (np.uint8 if low == 0 else np.int8), (np.uint8 if end.format.min_code == 0 else np.int8)
    values = port.format.to_values(codes).astype(np.float32)
    answers = end.format.to_values(found).astype(np.float32)
    name = "UINT8" if low == 0 else "INT8"
    return [
        Work(graph.name, "FP32", values, answers),
        Work(f"{graph.name}.codes", name, codes.astype(narrow[0]), found.astype(narrow[1])),
    ]


def asked(module: Any, work: Work) -> list[Any]:
    """The inputs of a request as tritonclient has them; module: of HTTP or gRPC."""
    tensor = module.InferInput("input", list(work.given.shape), work.datatype)
    tensor.set_data_from_numpy(work.given)
    return [tensor]


def check(work: Work, found: npt.NDArray[Any]) -> None:
    """End here if an answer is wrong."""
    if not np.array_equal(found, work.expected):
        raise SystemExit(f"{work.model}: differs from the graph: no measurement")


def rate_grpc(address: str, work: Work, requests: int, flight: int) -> float:
    """Rows per second, `flight` requests under way; every request is made anew, every answer compared."""
    import tritonclient.grpc as triton

    client, free, faults = triton.InferenceServerClient(address), threading.Semaphore(flight), []

    def take(result: Any, error: Any) -> None:
        try:
            if error is not None or not np.array_equal(result.as_numpy("output"), work.expected):
                faults.append(error or "differs from the graph")
        finally:
            free.release()

    started = time.perf_counter()
    for _ in range(requests):
        free.acquire()
        client.async_infer(work.model, asked(triton, work), take)
    for _ in range(flight):
        free.acquire()
    seconds = time.perf_counter() - started
    client.close()
    if faults:
        raise SystemExit(f"{work.model}: {faults[0]}: no measurement")
    return requests * len(work.given) / seconds


def rate_http(address: str, work: Work, requests: int, flight: int) -> float:
    """The same over HTTP."""
    import tritonclient.http as triton

    client = triton.InferenceServerClient(address, concurrency=flight)
    under_way: list[Any] = []
    started = time.perf_counter()
    for _ in range(requests):
        if len(under_way) == flight:
            check(work, under_way.pop(0).get_result().as_numpy("output"))
        under_way.append(client.async_infer(work.model, asked(triton, work)))
    for each in under_way:
        check(work, each.get_result().as_numpy("output"))
    seconds = time.perf_counter() - started
    client.close()
    return requests * len(work.given) / seconds


def latencies(module: Any, address: str, work: Work, requests: int) -> npt.NDArray[np.float64]:
    """Microseconds of requests of one row, one after another."""
    client = module.InferenceServerClient(address)
    single, times = work._replace(given=work.given[:1], expected=work.expected[:1]), []
    for _ in range(requests + 50):
        started = time.perf_counter()
        found = client.infer(work.model, asked(module, single)).as_numpy("output")
        times.append(1e6 * (time.perf_counter() - started))
        check(single, found)
    client.close()
    return np.array(times[50:])


def answer_nothing(work: Work, port: Any) -> None:
    """A gRPC service of as many bytes as a model's answer has."""
    import asyncio

    import grpc
    from tritonclient.grpc import service_pb2, service_pb2_grpc

    response = service_pb2.ModelInferResponse(model_name=work.model)
    response.outputs.add(name="output", datatype=work.datatype, shape=work.expected.shape)
    response.raw_output_contents.append(work.expected.tobytes())

    class Nothing(service_pb2_grpc.GRPCInferenceServiceServicer):  # type: ignore[misc]
        async def ModelInfer(self, request: Any, context: Any) -> Any:  # noqa: N802
            return response

    async def run() -> None:
        server = grpc.aio.server(options=[("grpc.max_receive_message_length", -1)])
        service_pb2_grpc.add_GRPCInferenceServiceServicer_to_server(Nothing(), server)
        port.send(server.add_insecure_port("127.0.0.1:0"))
        await server.start()
        await server.wait_for_termination()

    asyncio.run(run())


@contextmanager
def bytes_alone(work: Work) -> Iterator[str]:
    """A service that computes nothing; where it listens."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=answer_nothing, args=(work, theirs), daemon=True)
    process.start()
    yield f"127.0.0.1:{ours.recv()}"
    process.kill()
    process.join()


def best(measure: Callable[[], float]) -> float:
    """Of three."""
    return max(measure() for _ in range(3))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--candidate", type=Path, help="default: the ECON-T encoder, untrained")
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--requests", type=int, default=200)
    parser.add_argument("--single", type=int, default=2000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        candidate = given.candidate or made(Path(scratch) / "encoder")
        (graph, *_) = Candidate.open(candidate).graphs().values()
        both = works(graph, given.rows)
        with service(candidate) as (http, grpc):
            print(f"load {os.getloadavg()[0]:.1f}, batches of {given.rows} rows, client and service on this machine")
            report(both, http, grpc, given.requests, given.single)


def report(both: list[Work], http: str, grpc: str, requests: int, single: int) -> None:
    """Print the tables."""
    import tritonclient.grpc
    import tritonclient.http

    for work in both:
        size = (work.given.nbytes + work.expected.nbytes) / len(work.given)
        for flight in (1, 2, 4):
            rate = best(lambda work=work, flight=flight: rate_grpc(grpc, work, requests, flight))  # type: ignore[misc]
            line = f"{rate / 1e6:7.2f} M rows/s  {rate * size / 1e6:7.0f} MB/s"
            print(f"  gRPC {work.model:16} {work.datatype:5} {flight} under way {line}", flush=True)
        with bytes_alone(work) as alone:
            rate = best(lambda work=work, alone=alone: rate_grpc(alone, work, requests, 4))  # type: ignore[misc]
            print(f"  gRPC bytes alone      {work.datatype:5} 4 under way {rate / 1e6:7.2f} M rows/s", flush=True)
        rate = best(lambda work=work: rate_http(http, work, requests, 2))  # type: ignore[misc]
        print(f"  HTTP {work.model:16} {work.datatype:5} 2 under way {rate / 1e6:7.2f} M rows/s", flush=True)
    for protocol, module, address in (("gRPC", tritonclient.grpc, grpc), ("HTTP", tritonclient.http, http)):
        for work in both:
            times = latencies(module, address, work, single)
            p50, p95, p99 = np.percentile(times, [50, 95, 99])
            print(f"  {protocol} {work.model:16} one row: p50 {p50:6.0f} us, p95 {p95:6.0f} us, p99 {p99:6.0f} us")
    one = both[0]._replace(given=both[0].given[:1], expected=both[0].expected[:1])
    for flight in (1, 32):
        print(f"  gRPC {one.model:16} one row: {rate_grpc(grpc, one, single, flight):6.0f} rows/s, {flight} under way")


if __name__ == "__main__":
    main()
