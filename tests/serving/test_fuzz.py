"""Damaged requests: each gets an error, or what the reference says to it; the service lives, and does not grow."""

import contextlib
import http.client
import json
from functools import partial

import grpc
import numpy as np
import pytest
from helpers.fuzzing import (
    DTYPES,
    damaged,
    grpc_message,
    http_body,
    is_right,
    parsed_body,
    parsed_message,
)
from helpers.services import service

INFER = "/inference.GRPCInferenceService/ModelInfer"
REQUESTS = pytest.mark.parametrize("requests", [150, pytest.param(10_000, marks=pytest.mark.campaign)])
GROWTH = 60_000_000
"""Bytes by which the service may grow while it is asked."""
ANSWERED = 0.05
"""Share of the requests that must still be valid, so that this finds wrong answers."""


@pytest.fixture(scope="module")
def damaged_service(three):
    with service(three, "--max-request-bytes", 100_000) as running:
        yield running
        assert running.end() == 0
        assert "".join(running.said) == ""  # no fault of its own


def alive(running, before):
    assert running.process.poll() is None
    assert running.memory() - before < GROWTH


@REQUESTS
def test_damaged_messages(damaged_service, requests):
    from tritonclient.grpc import service_pb2

    rng, right, codes, before = np.random.default_rng(1), 0, [], damaged_service.memory()
    with grpc.insecure_channel(damaged_service.grpc) as channel:
        infer = channel.unary_unary(INFER)
        for _ in range(requests):
            data = damaged(grpc_message(rng), rng)
            try:
                answer = service_pb2.ModelInferResponse.FromString(infer(data, timeout=20))
            except grpc.RpcError as fault:
                codes.append(fault.code())
                continue
            found = {}
            for output, raw in zip(answer.outputs, answer.raw_output_contents, strict=True):
                found[output.name] = np.frombuffer(raw, DTYPES[output.datatype]).reshape(list(output.shape))
            assert is_right(partial(parsed_message, data), found), data
            right += 1
    assert {grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN}.isdisjoint(codes)
    assert min(right, len(codes)) > ANSWERED * requests
    alive(damaged_service, before)


@REQUESTS
def test_damaged_bodies(damaged_service, requests):
    rng, right, refused, before = np.random.default_rng(2), 0, 0, damaged_service.memory()
    with contextlib.closing(http.client.HTTPConnection(damaged_service.http, timeout=20)) as connection:
        for _ in range(requests):
            model, (body, length) = http_body(rng)
            body = damaged(body, rng)
            length = length if rng.random() < 0.9 else int(rng.integers(0, len(body) + 3))
            connection.request(
                "POST", f"/v2/models/{model}/infer", body, {"Inference-Header-Content-Length": str(length)}
            )
            answer = connection.getresponse()
            end, data = answer.getheader("Inference-Header-Content-Length"), answer.read()
            content = json.loads(data[: int(end)] if end else data)
            if answer.status != 200:
                assert answer.status in (400, 404, 413, 501, 504), content
                assert list(content) == ["error"]
                refused += 1
                continue
            found, place = {}, int(end or 0)
            for each in content["outputs"]:
                values = each.get("data")
                if values is None:
                    size = each["parameters"]["binary_data_size"]
                    values, place = np.frombuffer(data[place : place + size], DTYPES[each["datatype"]]), place + size
                found[each["name"]] = np.array(values).reshape(each["shape"])
            assert is_right(partial(parsed_body, model, body, length), found), body
            right += 1
    assert min(right, refused) > ANSWERED * requests
    alive(damaged_service, before)


def test_damaged_heads(damaged_service):
    """What is no HTTP, or no gRPC, on either port."""
    import socket

    rng = np.random.default_rng(3)
    head = b"POST /v2/models/encoder/infer HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n{}   "
    for address in (damaged_service.http, damaged_service.grpc):
        host, _, port = address.rpartition(":")
        for _ in range(20):
            with socket.create_connection((host, int(port)), 5) as connection:
                connection.sendall(damaged(head, rng) + rng.bytes(50))
    connection = http.client.HTTPConnection(damaged_service.http, timeout=20)
    connection.request("GET", "/v2/health/ready")
    assert connection.getresponse().status == 200
    connection.close()
