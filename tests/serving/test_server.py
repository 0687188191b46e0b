"""A service from its start to its end, from outside: signals, replaced candidates, load, who may ask."""

import contextlib
import gzip
import http.client
import json
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import grpc
import numpy as np
import pytest
import tritonclient.grpc
import tritonclient.http
from helpers.services import codes_of, encoder, expected, make, service
from tritonclient.grpc import service_pb2
from tritonclient.utils import InferenceServerException

INFER = "/inference.GRPCInferenceService/ModelInfer"
TOKEN = "a-token-of-some-length"  # noqa: S105


def request_of(codes, version=""):
    made = service_pb2.ModelInferRequest(model_name="encoder.codes", model_version=version)
    made.inputs.add(name="image", datatype="UINT8", shape=codes.shape)
    made.raw_input_contents.append(codes.astype(np.uint8).tobytes())
    return made.SerializeToString()


def latents(answer):
    """Hash and codes of an answer."""
    made = service_pb2.ModelInferResponse.FromString(answer)
    shape = list(made.outputs[0].shape)
    return made.parameters["content_hash"].string_param, np.frombuffer(made.raw_output_contents[0], np.uint8).reshape(
        shape
    )


class Load:
    """Clients that ask without a break, and what they got: hashes of right answers, and statuses of errors."""

    def __init__(self, address, graphs, clients=4):
        self.answers, self.errors, self.wrong = [], [], []
        self._codes = codes_of(graphs[0], 40)["image"]
        self._expected = {g.content_hash(): expected(g, {"image": self._codes}, False)["latent"] for g in graphs}
        self._address, self._ended = address, threading.Event()
        self._threads = [threading.Thread(target=self._ask) for _ in range(clients)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *fault):
        self._ended.set()
        for thread in self._threads:
            thread.join(30)
            assert not thread.is_alive()  # every request was answered, or refused

    def _ask(self):
        request = request_of(self._codes)
        with grpc.insecure_channel(self._address) as channel:
            infer = channel.unary_unary(INFER)
            while not self._ended.is_set():
                try:
                    own, found = latents(infer(request, timeout=20))
                except grpc.RpcError as fault:
                    self.errors.append(fault.code())
                    time.sleep(0.01)
                    continue
                self.answers.append(own)
                if not np.array_equal(found, self._expected[own]):
                    self.wrong.append(own)


@pytest.fixture
def candidate(tmp_path):
    """Uncompiled, so that it is made fast; the reference answers."""
    return make(tmp_path / "own", [encoder(1)], compiled=False)


def replace(candidate: Path, graph):
    """Another network in a candidate's place, folder and all."""
    other = make(candidate.parent / "other" / candidate.name, [graph], compiled=False)
    shutil.rmtree(candidate)
    other.rename(candidate)
    other.parent.rmdir()


def wait_for(condition):
    for _ in range(400):
        if condition():
            return
        time.sleep(0.02)
    raise AssertionError("did not come")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_at_its_end_every_request_is_answered_or_refused(three, number):
    with service(three) as running, Load(running.grpc, [encoder()]) as load:
        wait_for(lambda: len(load.answers) > 50)
        started = time.monotonic()
        assert running.end(number) == 0
        assert time.monotonic() - started < 12
    assert load.wrong == []
    assert grpc.StatusCode.UNAVAILABLE in load.errors
    assert set(load.errors) <= {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED}  # as the port closes
    assert "".join(running.said) == ""


def test_what_is_replaced_on_disk_is_served_when_it_is_asked_for(candidate):
    old, new = encoder(1), encoder(2)
    with service(candidate) as running:
        with Load(running.grpc, [old, new]) as load:
            wait_for(lambda: len(load.answers) > 20)
            replace(candidate, new)
            before = len(load.answers)
            wait_for(lambda: len(load.answers) > before + 20)
            assert set(load.answers) == {old.content_hash()}
            running.process.send_signal(signal.SIGHUP)
            wait_for(lambda: new.content_hash() in load.answers)
            wait_for(lambda: load.answers[-1] == new.content_hash())
            shutil.rmtree(candidate)
            running.process.send_signal(signal.SIGHUP)
            wait_for(lambda: any("all is served as before" in line for line in running.said))
            before = len(load.answers)
            wait_for(lambda: len(load.answers) > before + 20)
            assert set(load.answers[before:]) == {new.content_hash()}
        assert (load.wrong, load.errors) == ([], [])
        assert running.end() == 0
    assert "loaded again: encoder version 1, encoder.codes version 1" in "".join(running.said)


def test_clients_load_and_unload_where_they_may(candidate):
    new = encoder(2)
    with service(candidate, "--allow-reload") as running:
        client = tritonclient.http.InferenceServerClient(running.http)
        with contextlib.closing(client):
            replace(candidate, new)
            client.load_model("encoder")
            assert client.get_model_metadata("encoder")["parameters"]["content_hash"] == new.content_hash()
            client.unload_model("encoder")
            assert not client.is_model_ready("encoder")
            states = {each["name"]: each["state"] for each in client.get_model_repository_index()}
            assert states == {"encoder": "UNAVAILABLE", "encoder.codes": "READY"}
            client.load_model("encoder")
            assert client.is_model_ready("encoder")
            with pytest.raises(InferenceServerException, match="no model 'other'"):
                client.load_model("other")
            (candidate / "manifest.json").write_text("{")
            with pytest.raises(InferenceServerException, match="served as before"):
                client.load_model("encoder")
            assert client.is_model_ready("encoder")


def test_candidates_of_one_name_are_versions(candidate, three, tmp_path):
    third = make(tmp_path / "third", [encoder(3)], compiled=False)
    with service(candidate, f"encoder:7={third}", f"mine={third}", three) as running:
        assert [each for each in running.models if each.startswith(("encoder:", "mine"))] == [
            *("encoder:7", "encoder:8", "encoder:9", "mine:1", "mine.codes:1")
        ]
        codes = codes_of(encoder(), 5)
        with grpc.insecure_channel(running.grpc) as channel:
            infer = channel.unary_unary(INFER)
            for version, graph in (("7", encoder(3)), ("8", encoder(1)), ("9", encoder()), ("", encoder())):
                own, found = latents(infer(request_of(codes["image"], version)))
                assert own == graph.content_hash()
                assert np.array_equal(found, expected(graph, codes, False)["latent"])
            with pytest.raises(grpc.RpcError) as fault:
                infer(request_of(codes["image"], "1"))
            assert fault.value.details() == "model encoder.codes has no version '1'; there are 7, 8, 9"


def test_a_client_that_goes_away_and_a_thousand_connections_leave_it_as_it_was(served):
    host, _, port = served.http.rpartition(":")
    head = b"POST /v2/models/encoder/infer HTTP/1.1\r\nHost: a\r\nContent-Length: 5000\r\n\r\n{"
    before, connections = served.memory(), []
    try:
        for number in range(1000):
            connections.append(socket.create_connection((host, int(port)), 10))
            if number % 10 == 0:
                connections[-1].sendall(head)  # and no more
        with contextlib.closing(http.client.HTTPConnection(served.http, timeout=20)) as connection:
            connection.request("GET", "/v2/health/ready")
            assert connection.getresponse().status == 200
    finally:
        for each in connections:
            each.close()
    codes = codes_of(encoder(), 3)
    with grpc.insecure_channel(served.grpc) as channel:
        pending = [channel.unary_unary(INFER).future(request_of(codes["image"])) for _ in range(100)]
        for each in pending[::2]:
            each.cancel()
        for each in pending[1::2]:
            assert np.array_equal(latents(each.result(20))[1], expected(encoder(), codes, False)["latent"])
    assert served.memory() - before < 100_000_000


def test_more_requests_than_may_wait_are_refused_at_once(three):
    host = "127.0.0.1"
    head = b"POST /v2/models/encoder/infer HTTP/1.1\r\nHost: a\r\nContent-Length: 5000\r\n\r\n{"
    with service(three, "--max-queue", 2, "--deadline", 2) as running:
        port = int(running.http.rpartition(":")[2])
        with contextlib.ExitStack() as stack:
            slow = [stack.enter_context(socket.create_connection((host, port), 10)) for _ in range(2)]
            for each in slow:
                each.sendall(head)
            wait_for(lambda: b"under_way 2.0" in metrics(running))
            with grpc.insecure_channel(running.grpc) as channel:
                with pytest.raises(grpc.RpcError) as fault:
                    channel.unary_unary(INFER)(request_of(codes_of(encoder(), 1)["image"]))
                assert fault.value.code() is grpc.StatusCode.UNAVAILABLE
                assert fault.value.details() == "2 requests are under way; try again later"
                assert b"504" in slow[0].recv(1000)  # it never came
                wait_for(lambda: b"under_way 0.0" in metrics(running))
                assert channel.unary_unary(INFER)(request_of(codes_of(encoder(), 1)["image"]))


def metrics(running):
    with contextlib.closing(http.client.HTTPConnection(running.http, timeout=20)) as connection:
        connection.request("GET", "/metrics")
        return connection.getresponse().read()


def test_metrics_count_what_was_asked(served):
    def count(line):
        found = [each for each in metrics(served).decode().splitlines() if each.startswith(line + " ")]
        return float(found[0].split()[1]) if found else 0.0

    rows = 'qcompress_rows_total{model="encoder.codes",version="1"}'
    failed = 'qcompress_failures_total{model="",protocol="grpc",reason="NOT_FOUND",version=""}'
    before = count(rows), count(failed)
    with grpc.insecure_channel(served.grpc) as channel:
        channel.unary_unary(INFER)(request_of(codes_of(encoder(), 13)["image"]))
        with pytest.raises(grpc.RpcError):
            channel.unary_unary(INFER)(service_pb2.ModelInferRequest(model_name="none").SerializeToString())
    assert (count(rows), count(failed)) == (before[0] + 13, before[1] + 1)
    info = f'qcompress_model_info{{content_hash="{encoder().content_hash()}",model="encoder",version="1"}}'
    assert count(info) == 1


@pytest.fixture(scope="module")
def pair_of_files(tmp_path_factory):
    """A certificate for localhost, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    command += ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", "key.pem", "-out", "certificate.pem"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    (folder / "token").write_text(f"{TOKEN}\n")
    return folder


def test_with_tls_and_a_token_only_those_who_show_it_are_answered(candidate, pair_of_files):
    files = ("--certificate", pair_of_files / "certificate.pem", "--key", pair_of_files / "key.pem")
    with service(candidate, "--host", "0.0.0.0", *files, "--token-file", pair_of_files / "token") as running:  # noqa: S104
        ports = [address.rpartition(":")[2] for address in (running.http, running.grpc)]
        trusted = (pair_of_files / "certificate.pem").read_bytes()
        codes = codes_of(encoder(), 2)["image"]
        channel = grpc.secure_channel(f"localhost:{ports[1]}", grpc.ssl_channel_credentials(trusted))
        with channel:
            infer = channel.unary_unary(INFER)
            for shown in ((), (("authorization", f"Bearer {TOKEN}x"),), (("authorization", TOKEN),)):
                with pytest.raises(grpc.RpcError) as fault:
                    infer(request_of(codes), metadata=shown)
                assert fault.value.code() is grpc.StatusCode.UNAUTHENTICATED
            found = latents(infer(request_of(codes), metadata=(("authorization", f"Bearer {TOKEN}"),)))[1]
            assert np.array_equal(found, expected(encoder(1), {"image": codes}, False)["latent"])
        for path, shown, status in (
            ("/v2/health/ready", "", 200),
            ("/v2/models/encoder", "", 401),
            ("/metrics", f"Bearer {TOKEN[:-1]}", 401),
            ("/v2/models/encoder", f"Bearer {TOKEN}", 200),
        ):
            command = [
                "curl",
                "-s",
                "-w",
                "%{http_code}",
                "-o",
                "/dev/null",
                "--cacert",
                pair_of_files / "certificate.pem",
            ]
            command += ["-H", f"Authorization: {shown}", f"https://localhost:{ports[0]}{path}"]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            assert done.stdout == str(status), path
        plain = http.client.HTTPConnection("127.0.0.1", int(ports[0]), timeout=10)
        with contextlib.closing(plain):
            plain.request("GET", "/v2/health/ready")
            with pytest.raises((http.client.HTTPException, OSError)):
                plain.getresponse()
        assert running.end() == 0
    assert TOKEN not in "".join(running.said)


@pytest.mark.parametrize(
    ("body", "headers", "status", "said"),
    [
        (b"{", {}, 400, "no JSON"),
        (b"[]", {}, 400, "the request is no JSON object"),
        (b"[" * 100_000, {}, 400, "no JSON"),
        (b'{"inputs": 1}', {}, 400, "inputs is no list"),
        (b'{"inputs": []}', {}, 400, "input image was not given"),
        (b"{}", {"Inference-Header-Content-Length": "3"}, 400, "the body has 2 bytes"),
        (b"{}", {"Inference-Header-Content-Length": "-1"}, 400, "no number of bytes"),
        (b"{}", {"Content-Encoding": "br"}, 501, "Content-Encoding 'br'"),
        (b"{}", {"Content-Encoding": "gzip"}, 400, "the body is not gzip"),
        (gzip.compress(b"{}")[:-4], {"Content-Encoding": "gzip"}, 400, "not one whole piece of gzip"),
        (gzip.compress(b"{}") * 2, {"Content-Encoding": "gzip"}, 400, "not one whole piece of gzip"),
        (gzip.compress(b" " * 400_000), {"Content-Encoding": "gzip"}, 413, "300000 bytes when it is unpacked"),
        (b" " * 300_001, {}, 413, "larger than 300000 bytes"),
        ([b" " * 10_000] * 31, {"Transfer-Encoding": "chunked"}, 413, "larger than 300000 bytes"),
        (b'{"inputs": []}more', {"Inference-Header-Content-Length": "14"}, 400, "4 bytes behind the last tensor"),
        ({"data": [[[1, 2, 3], [4, 5, "6"]]]}, {}, 400, "text in the data, FP32 takes numbers"),
        ({"data": [[[1, 2, 3], [4, 5, True]]]}, {}, 400, "true or false in the data, FP32 takes numbers"),
        ({"data": [1, 2, 3, 4, 5]}, {}, 400, "5 numbers, shape [1, 2, 3] has 6"),
        ({"data": [[1, 2, 3], 4, 5, 6]}, {}, 400, "side by side"),
        ({"data": [[[1, 2], [3, 4], [5, 6]]]}, {}, 400, "not those of shape [1, 2, 3]; one list will do"),
        ({"data": [[1, 2, 3, 4, 5, 6]]}, {}, 400, "not those of shape [1, 2, 3]"),
        ({"data": [[[[1], [2], [3]], [[4], [5], [6]]]]}, {}, 400, "not those of shape [1, 2, 3]"),
        ({"data": [[[1, 2, 3]], [[4, 5, 6]]]}, {}, 400, "not those of shape [1, 2, 3]"),
        (b'{"inputs": [], "id": "\xff"}', {}, 400, "byte 22 is not UTF-8"),
        ('{"inputs": []}'.encode("utf-16"), {}, 400, "is not UTF-8"),
        (b'{"inputs": [], "inputs": []}', {}, 400, "'inputs' twice in one object"),
        (b'{"inputs": [' + b"1" * 5000 + b"]}", {}, 400, "a number has too many digits"),
        ({"data": [1, 2, 3, 4, 5, 10**400]}, {}, 400, "beyond FP32"),
        ({"data": [1, 2, 3, 4, 5, 1e300]}, {}, 400, "row 0: 1 of 6 values are NaN or infinite"),
        ({"data": [1, 2, 3, 4, 5, float("nan")]}, {}, 400, "row 0: 1 of 6 values are NaN"),
        ({"data": [], "shape": [2**63, 2, 3]}, {}, 413, "rows, one request may have 5000"),
        ({"data": [], "shape": [-1, 2, 3]}, {}, 400, "the model takes [rows, 2, 3]"),
        ({"data": [], "shape": [1.0, 2, 3]}, {}, 400, "the model takes [rows, 2, 3]"),
        ({"data": [], "shape": [2**32, 2**32, 2**32]}, {}, 400, "the model takes [rows, 2, 3]"),
        ({"data": [], "parameters": {"binary_data_size": 0}}, {}, 400, "and not both"),
        ({"parameters": {"binary_data_size": 24}}, {}, 400, "need the header"),
        ({"data": [1] * 6, "datatype": "BYTES"}, {}, 400, "datatype 'BYTES', the model takes FP32 (and FP64)"),
        ({"data": [1] * 6, "name": 5}, {}, 400, "name of an input is no text"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_bodies_that_are_none_are_said(served, body, headers, status, said):
    if isinstance(body, dict):
        body = json.dumps({"inputs": [{"name": "image", "datatype": "FP32", "shape": [1, 2, 3]} | body]}).encode()
    with contextlib.closing(http.client.HTTPConnection(served.http, timeout=20)) as connection:
        chunked = isinstance(body, list)
        connection.request("POST", "/v2/models/encoder/infer", body, headers, encode_chunked=chunked)
        answer = connection.getresponse()
        content = json.loads(answer.read())
    assert (answer.status, list(content)) == (status, ["error"])
    assert said in content["error"]


def asked(running, method, path, body=None, headers=None):
    """Status, headers and body of an answer."""
    with contextlib.closing(http.client.HTTPConnection(running.http, timeout=20)) as connection:
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()


def test_null_is_as_good_as_nothing(served):
    tensor = {"name": "image", "datatype": "FP32", "shape": [1, 2, 3], "data": [0] * 6, "parameters": None}
    body = json.dumps({"inputs": [tensor], "parameters": None, "outputs": None, "id": None})
    status, _, content = asked(served, "POST", "/v2/models/encoder/infer", body)
    assert (status, "id" in json.loads(content)) == (200, False)


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [("gzip;q=0.00", None), ("gzip; q=0., deflate;q=0.001", "deflate"), ("gzip;q=0.01", "gzip")],
)
def test_an_encoding_of_quality_zero_is_not_taken(served, accepted, encoding):
    body = json.dumps({"inputs": [{"name": "image", "datatype": "FP32", "shape": [1, 2, 3], "data": [0] * 6}]})
    status, headers, _ = asked(served, "POST", "/v2/models/encoder/infer", body, {"Accept-Encoding": accepted})
    assert (status, headers["Content-Encoding"]) == (200, encoding)


@pytest.mark.parametrize(
    ("path", "status"), [("index", 413), ("models/encoder/load", 501), ("models/encoder/unload", 501)]
)
def test_requests_about_the_repository_are_small_and_first_allowed(served, path, status):
    assert asked(served, "POST", f"/v2/repository/{path}", b" " * (64 * 1024 + 1))[0] == status


def test_a_slash_too_many_leads_nowhere(served):
    status, headers, _ = asked(served, "GET", "/v2/models/encoder/", None, {"Host": "elsewhere"})
    assert (status, headers["Location"]) == (404, None)


def test_what_asks_for_the_repository_waits_in_the_same_queue(three):
    head = b"POST /v2/repository/index HTTP/1.1\r\nHost: a\r\nContent-Length: 5000\r\n\r\n{"
    with service(three, "--max-queue", 1, "--deadline", 2) as running:
        with socket.create_connection(("127.0.0.1", int(running.http.rpartition(":")[2])), 10) as slow:
            slow.sendall(head)
            wait_for(lambda: b"under_way 1.0" in metrics(running))
            assert asked(running, "POST", "/v2/repository/index")[0] == 503
            assert b"504" in slow.recv(1000)
        with grpc.insecure_channel(running.grpc) as channel:
            ended = threading.Event()
            stream = channel.stream_stream("/inference.GRPCInferenceService/ModelStreamInfer")
            with pytest.raises(grpc.RpcError) as fault:
                next(stream(iter(lambda: ended.wait(20) and None, None), timeout=15))
            ended.set()
            assert fault.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
            assert fault.value.details() == "no request came for 2 s; the stream is ended"


LOADING = """
import os, signal
from qcompress.serving import server
from qcompress.serving.repository import Repository
from qcompress.cli import main
load = Repository.load
def interrupted(self):
    os.kill(os.getpid(), signal.SIGHUP)
    load(self)
Repository.load = interrupted
main()
"""


def test_a_hangup_while_models_are_loaded_loads_them_again(candidate):
    command = [sys.executable, "-c", LOADING, "serve", str(candidate), "--port", "0", "--grpc-port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout.readline().startswith("serving ")
            lines = iter(process.stderr.readline, "")
            assert any("loaded again: nothing has changed" in line for line in lines)
            process.send_signal(signal.SIGTERM)
            assert process.wait(20) == 0
        finally:
            process.kill()


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("GET", "/v2/models/none", 404),
        ("POST", "/v2", 405),
        ("GET", "/v2/models/encoder/versions/2", 404),
    ],
)
def test_paths_that_lead_nowhere_are_said(served, method, path, status):
    with contextlib.closing(http.client.HTTPConnection(served.http, timeout=20)) as connection:
        connection.request(method, path)
        answer = connection.getresponse()
        assert (answer.status, list(json.loads(answer.read()))) == (status, ["error"])


CLIENT = """
import sys
import numpy as np
import tritonclient.grpc as triton
client, rows = triton.InferenceServerClient(sys.argv[1]), np.zeros((40_000, 2, 3), np.float32)
tensor = triton.InferInput("image", rows.shape, "FP32")
tensor.set_data_from_numpy(rows)
print(flush=True)
while True:
    client.async_infer("encoder", [tensor], lambda result, error: None)
    client.infer("encoder", [tensor])
"""


@pytest.mark.campaign
def test_clients_that_are_killed_in_the_middle_of_requests(three):
    rng, memory = np.random.default_rng(4), []
    with service(three) as running:
        for _ in range(15):
            client = subprocess.Popen([sys.executable, "-c", CLIENT, running.grpc], stdout=subprocess.PIPE)
            with client:
                client.stdout.readline()
                time.sleep(rng.uniform(0.05, 0.3))
                client.kill()
            wait_for(lambda: b"under_way 0.0" in metrics(running))
            memory.append(running.memory())
        with Load(running.grpc, [encoder()], clients=1) as load:
            wait_for(lambda: len(load.answers) > 20)
        assert (load.wrong, load.errors) == ([], [])
        assert max(memory) - memory[2] < 60_000_000
        assert running.end() == 0
    assert "".join(running.said) == ""


@pytest.mark.campaign
def test_a_thousand_requests_at_once_are_each_answered_or_refused(three):
    codes, before = codes_of(encoder(), 20)["image"], 0
    body = json.dumps({"inputs": [{"name": "image", "datatype": "UINT8", "shape": [20, 2, 3], "data": codes.tolist()}]})
    wanted = expected(encoder(), {"image": codes}, False)["latent"].reshape(-1).tolist()
    request = f"POST /v2/models/encoder.codes/infer HTTP/1.1\r\nHost: a\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    with service(three) as running:
        port = int(running.http.rpartition(":")[2])
        for _ in range(5):
            with contextlib.ExitStack() as stack:
                opened = [stack.enter_context(socket.create_connection(("127.0.0.1", port), 30)) for _ in range(1000)]
                for each in opened:
                    each.sendall(request.encode())
                answers = [http.client.HTTPResponse(each) for each in opened]
                for answer in answers:
                    answer.begin()
                    content = json.loads(answer.read())
                    assert answer.status in (200, 503), content
                    assert answer.status == 503 or content["outputs"][0]["data"] == wanted
                assert any(answer.status == 200 for answer in answers)
            before = before or running.memory()
        assert running.memory() - before < 50_000_000
        assert running.end() == 0


def test_a_request_that_does_not_end_does_not_hold_the_service(tmp_path):
    slow, rows = make(tmp_path / "slow", [encoder()], compiled=False), 4_000_000
    limits = ("--drain", "0.2", "--max-rows", rows, "--max-request-bytes", 6 * rows + 1000)
    with service(slow, *limits) as running, grpc.insecure_channel(running.grpc) as channel:
        pending = channel.unary_unary(INFER).future(request_of(np.zeros((rows, 2, 3))))
        wait_for(lambda: b"under_way 1.0" in metrics(running))
        started = time.monotonic()
        assert running.end() == 0
        assert time.monotonic() - started < 2.2
        assert pending.exception(10) is not None
