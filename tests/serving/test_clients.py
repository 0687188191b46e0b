"""tritonclient, unchanged, over both protocols: what it asks and what it gets."""

import contextlib

import grpc
import numpy as np
import pytest
import tritonclient.grpc
import tritonclient.http
from google.protobuf.json_format import MessageToDict
from helpers.services import codes_of, encoder, expected, pair, values_of, wide
from tritonclient.utils import InferenceServerException

GRAPHS = {graph.name: graph for graph in (encoder(), pair(), wide())}
DATATYPES = {
    "encoder": ({"image": "FP32"}, {"latent": "FP32"}),
    "encoder.codes": ({"image": "UINT8"}, {"latent": "UINT8"}),
    "pair": ({"left": "FP32", "right": "FP32"}, {"product": "FP32", "cut": "FP32"}),
    "pair.codes": ({"left": "INT16", "right": "UINT8"}, {"product": "INT32", "cut": "INT8"}),
    "wide": ({"x": "FP64"}, {"y": "FP64"}),
    "wide.codes": ({"x": "INT64"}, {"y": "INT64"}),
}
"""Model -> datatypes of its inputs and of its outputs."""
DTYPES = {"FP32": np.float32, "FP64": np.float64, "UINT8": np.uint8, "INT8": np.int8} | {
    f"INT{bits}": np.dtype(f"int{bits}").type for bits in (16, 32, 64)
}
STATUS = {"http": {"INVALID_ARGUMENT": "400", "NOT_FOUND": "404", "UNIMPLEMENTED": "501", "RESOURCE_EXHAUSTED": "413"}}


class Client:
    """tritonclient's client of one protocol, and its module."""

    def __init__(self, protocol, served):
        self.protocol = protocol
        self.module = getattr(tritonclient, protocol)
        self.client = self.module.InferenceServerClient(getattr(served, protocol))

    def inputs(self, arrays, datatypes):
        made = []
        for name, array in arrays.items():
            made.append(self.module.InferInput(name, list(array.shape), datatypes[name]))
            made[-1].set_data_from_numpy(array.astype(DTYPES[datatypes[name]]))
        return made

    def told(self, found):
        """As a dictionary."""
        if self.protocol == "http":
            return found
        return MessageToDict(found, preserving_proto_field_name=True)

    def status(self, name):
        return STATUS["http"][name] if self.protocol == "http" else f"StatusCode.{name}"


@pytest.fixture(scope="module", params=["http", "grpc"])
def client(request, served):
    made = Client(request.param, served)
    yield made
    made.client.close()


def given(graph, codes, rows):
    return codes_of(graph, rows) if codes else values_of(graph, rows)


@pytest.mark.parametrize("rows", [0, 1, 700])
@pytest.mark.parametrize("model", DATATYPES)
def test_every_model_answers_what_the_graph_says(client, model, rows):
    graph, is_codes = GRAPHS[model.partition(".")[0]], model.endswith(".codes")
    taken, made = DATATYPES[model]
    answer = client.client.infer(model, client.inputs(given(graph, is_codes, rows), taken), request_id="a7")
    wanted = expected(graph, codes_of(graph, rows), not is_codes)
    for name, datatype in made.items():
        found = answer.as_numpy(name)
        assert found.shape == wanted[name].shape
        if rows:
            assert found.dtype == DTYPES[datatype]
        assert np.array_equal(found, wanted[name])
    told = answer.get_response() if client.protocol == "http" else client.told(answer.get_response())
    assert (told["id"], told["model_name"], told["model_version"]) == ("a7", model, "1")
    told_hash = told["parameters"]["content_hash"]
    assert (told_hash if client.protocol == "http" else told_hash["string_param"]) == graph.content_hash()


@pytest.mark.parametrize("model", DATATYPES)
def test_metadata_and_configuration_say_names_shapes_and_datatypes(client, model):
    graph = GRAPHS[model.partition(".")[0]]
    told, config = client.told(client.client.get_model_metadata(model)), client.client.get_model_config(model)
    config = client.told(config)
    config = config["config"] if client.protocol == "grpc" else config
    assert (told["name"], told["versions"], config["max_batch_size"]) == (model, ["1"], 5000)
    for ports, side, short, datatypes in (
        (graph.input_ports, "inputs", "input", DATATYPES[model][0]),
        (graph.output_ports, "outputs", "output", DATATYPES[model][1]),
    ):
        rows = [(each["name"], each["datatype"], [int(size) for size in each["shape"]]) for each in told[side]]
        assert rows == [(port.name, datatypes[port.name], [-1, *port.shape]) for port in ports]
        rows = [(each["name"], each["data_type"], [int(size) for size in each["dims"]]) for each in config[short]]
        assert rows == [(port.name, f"TYPE_{datatypes[port.name]}", [*port.shape]) for port in ports]
        for port in ports:
            assert config["parameters"][f"format:{port.name}"]["string_value"] == str(port.format)


def test_server_and_repository(client):
    assert client.client.is_server_live()
    assert client.client.is_server_ready()
    assert client.client.is_model_ready("encoder")
    assert client.client.is_model_ready("encoder", "1")
    assert not client.client.is_model_ready("encoder", "2")
    assert not client.client.is_model_ready("other")
    told = client.told(client.client.get_server_metadata())
    assert told["name"] == "qcompress"
    assert "binary_tensor_data" in told["extensions"]
    index = client.told(client.client.get_model_repository_index())
    index = index["models"] if client.protocol == "grpc" else index
    assert {(each["name"], each["version"], each["state"]) for each in index} == {
        (name, "1", "READY") for name in DATATYPES
    }


def test_statistics_count_requests_and_rows(client):
    def counted():
        told = client.told(client.client.get_inference_statistics("pair.codes"))["model_stats"][0]
        stats = told["inference_stats"]
        return [
            int(x or 0)
            for x in (told.get("inference_count"), stats["success"].get("count"), stats["fail"].get("count"))
        ]

    before = counted()
    client.client.infer("pair.codes", client.inputs(codes_of(GRAPHS["pair"], 9), DATATYPES["pair.codes"][0]))
    wrong = {"left": np.full((1, 2), 600), "right": np.zeros((1, 2))}
    with pytest.raises(InferenceServerException):
        client.client.infer("pair.codes", client.inputs(wrong, DATATYPES["pair.codes"][0]))
    assert [b - a for a, b in zip(before, counted(), strict=True)] == [9, 1, 1]


def test_only_the_outputs_that_are_wanted_come(client):
    graph = GRAPHS["pair"]
    arrays = client.inputs(values_of(graph, 5), DATATYPES["pair"][0])
    answer = client.client.infer("pair", arrays, outputs=[client.module.InferRequestedOutput("cut")])
    assert answer.as_numpy("product") is None
    assert np.array_equal(answer.as_numpy("cut"), expected(graph, codes_of(graph, 5), True)["cut"])


def test_the_other_float_type_and_other_integers_are_taken(client):
    graph = GRAPHS["encoder"]
    for model, datatype, arrays, dtype in (
        ("encoder", "FP64", values_of(graph, 8), np.float64),
        ("encoder.codes", "INT64", codes_of(graph, 8), np.uint8),
    ):
        found = client.client.infer(model, client.inputs(arrays, {"image": datatype})).as_numpy("latent")
        assert found.dtype == dtype
        assert np.array_equal(found, expected(graph, codes_of(graph, 8), model == "encoder")["latent"])
    wide_graph, single = GRAPHS["wide"], np.array([[1.5], [-2.0]])
    found = client.client.infer("wide", client.inputs({"x": single}, {"x": "FP32"})).as_numpy("y")
    assert found.dtype == np.float64  # float32 cannot hold all of its codes
    assert np.array_equal(found, wide_graph.predict(single))


@pytest.mark.parametrize(
    ("model", "arrays", "datatypes", "status", "said"),
    [
        ("other", {"image": np.zeros((1, 2, 3))}, {"image": "FP32"}, "NOT_FOUND", "no model 'other'"),
        (
            "encoder",
            {"picture": np.zeros((1, 2, 3))},
            {"picture": "FP32"},
            "INVALID_ARGUMENT",
            "has no input 'picture'",
        ),
        (
            "encoder",
            {"image": np.zeros((1, 3, 2))},
            {"image": "FP32"},
            "INVALID_ARGUMENT",
            "the model takes [rows, 2, 3]",
        ),
        ("encoder", {"image": np.zeros((2, 3))}, {"image": "FP32"}, "INVALID_ARGUMENT", "the model takes [rows, 2, 3]"),
        ("encoder", {"image": np.zeros((1, 2, 3))}, {"image": "INT8"}, "INVALID_ARGUMENT", "datatype 'INT8'"),
        ("encoder.codes", {"image": np.zeros((1, 2, 3))}, {"image": "FP32"}, "INVALID_ARGUMENT", "datatype 'FP32'"),
        ("encoder", {"image": np.zeros((5001, 2, 3))}, {"image": "FP32"}, "RESOURCE_EXHAUSTED", "5001 rows"),
        ("pair", {"left": np.zeros((1, 2))}, {"left": "FP32"}, "INVALID_ARGUMENT", "input right was not given"),
        (
            "pair",
            {"left": np.zeros((1, 2)), "right": np.zeros((2, 2))},
            {"left": "FP32", "right": "FP32"},
            "INVALID_ARGUMENT",
            "different numbers of rows: left 1, right 2",
        ),
        (
            "encoder",
            {"image": np.array([0, 0, 0, np.nan]).repeat(6).reshape(4, 2, 3)},
            {"image": "FP32"},
            "INVALID_ARGUMENT",
            "input image, row 3: 6 of 6 values are NaN",
        ),
        (
            "pair",
            {"left": np.zeros((900, 2)), "right": np.arange(1800).reshape(900, 2) // 1700 / 64},
            {"left": "FP32", "right": "FP64"},
            "INVALID_ARGUMENT",
            "input right, row 850: 2 of 2 values are not on the grid",
        ),
        (
            "pair.codes",
            {"left": np.array([[0, 511], [0, 512]]), "right": np.zeros((2, 2))},
            {"left": "INT16", "right": "UINT8"},
            "INVALID_ARGUMENT",
            "input left, row 1: codes are outside fixed<10,5>, -512 to 511",
        ),
        (
            "pair.codes",
            {"left": np.zeros((2, 2)), "right": np.array([[0, 255], [0, 256]])},
            {"left": "INT16", "right": "INT32"},
            "INVALID_ARGUMENT",
            "input right, row 1: codes are outside",
        ),
    ],
)
def test_what_has_no_answer_is_said(client, model, arrays, datatypes, status, said):
    with pytest.raises(InferenceServerException) as fault:
        client.client.infer(model, client.inputs(arrays, datatypes))
    assert said in fault.value.message()
    assert fault.value.status() == client.status(status)


@pytest.mark.parametrize(
    ("times", "outputs", "said"),
    [
        (2, (), "input image was given twice"),
        (0, (), "input image was not given"),
        (1, ("latent", "latent"), "output latent is wanted twice"),
        (1, ("latents",), "has no output 'latents'; it gives latent"),
    ],
)
def test_tensors_that_are_there_twice_or_not_at_all_are_said(client, times, outputs, said):
    arrays = client.inputs(values_of(GRAPHS["encoder"], 1), DATATYPES["encoder"][0]) * times
    wanted = [client.module.InferRequestedOutput(name) for name in outputs]
    with pytest.raises(InferenceServerException) as fault:
        client.client.infer("encoder", arrays, outputs=wanted)
    assert said in fault.value.message()
    assert fault.value.status() == client.status("INVALID_ARGUMENT")


def test_what_the_service_does_not_do_is_said(client):
    arrays = client.inputs(values_of(GRAPHS["encoder"], 1), DATATYPES["encoder"][0])
    output = client.module.InferRequestedOutput("latent", class_count=2)
    region = client.module.InferInput("image", [1, 2, 3], "FP32")
    region.set_shared_memory("region", 24)
    for call in (
        lambda: client.client.infer("encoder", arrays, outputs=[output]),
        lambda: client.client.infer("encoder", [region]),
        client.client.get_system_shared_memory_status,
        lambda: client.client.register_system_shared_memory("region", "/key", 24),
        client.client.get_trace_settings,
        lambda: client.client.load_model("encoder"),
        lambda: client.client.unload_model("encoder"),
    ):
        with pytest.raises(InferenceServerException) as fault:
            call()
        assert fault.value.status() == client.status("UNIMPLEMENTED")
    assert client.client.is_model_ready("encoder")


def test_a_request_that_is_too_large_is_refused_and_the_service_goes_on(client):
    with pytest.raises(InferenceServerException) as fault:
        client.client.infer("wide", client.inputs({"x": np.zeros((50_000, 1))}, {"x": "FP64"}))
    assert fault.value.status() == client.status("RESOURCE_EXHAUSTED")
    assert client.client.is_server_ready()


@pytest.mark.parametrize("request_encoding", [None, "gzip", "deflate"])
@pytest.mark.parametrize("answer_encoding", [None, "gzip", "deflate"])
def test_http_packed_both_ways(served, request_encoding, answer_encoding):
    own, graph = Client("http", served), GRAPHS["encoder"]
    with contextlib.closing(own.client):
        found = own.client.infer(
            "encoder",
            own.inputs(values_of(graph, 50), DATATYPES["encoder"][0]),
            request_compression_algorithm=request_encoding,
            response_compression_algorithm=answer_encoding,
        )
    assert np.array_equal(found.as_numpy("latent"), expected(graph, codes_of(graph, 50), True)["latent"])


@pytest.mark.parametrize("binary_in", [True, False])
@pytest.mark.parametrize("binary_out", [True, False])
def test_http_tensors_as_json(served, binary_in, binary_out):
    own, graph = Client("http", served), GRAPHS["pair"]
    arrays = []
    for name, array in values_of(graph, 6).items():
        arrays.append(tritonclient.http.InferInput(name, list(array.shape), "FP64"))
        arrays[-1].set_data_from_numpy(array, binary_data=binary_in)
    wanted = [tritonclient.http.InferRequestedOutput(name, binary_data=binary_out) for name in ("cut", "product")]
    with contextlib.closing(own.client):
        found = own.client.infer("pair", arrays, outputs=wanted)
    for name, array in expected(graph, codes_of(graph, 6), True).items():
        assert np.array_equal(found.as_numpy(name), array)


def test_grpc_streams_answer_in_order_and_outlive_a_fault(served):
    own, graph, found = Client("grpc", served), GRAPHS["encoder"], []
    own.client.start_stream(lambda result, error: found.append((result, error)))
    for seed in range(3):
        arrays = codes_of(graph, 4, seed) if seed != 1 else {"image": np.zeros((1, 1))}
        own.client.async_stream_infer("encoder.codes", own.inputs(arrays, DATATYPES["encoder.codes"][0]))
    own.client.stop_stream()
    own.client.close()
    assert [error is not None for _, error in found] == [False, True, False]
    for seed in (0, 2):
        latent = expected(graph, codes_of(graph, 4, seed), False)["latent"]
        assert np.array_equal(found[seed][0].as_numpy("latent"), latent)


def test_grpc_typed_contents(served):
    from tritonclient.grpc import service_pb2, service_pb2_grpc

    graph = GRAPHS["pair"]
    with grpc.insecure_channel(served.grpc) as channel:
        stub = service_pb2_grpc.GRPCInferenceServiceStub(channel)
        request = service_pb2.ModelInferRequest(model_name="pair.codes")
        for name, array in codes_of(graph, 3).items():
            tensor = request.inputs.add(name=name, datatype=DATATYPES["pair.codes"][0][name], shape=array.shape)
            field = tensor.contents.int_contents if name == "left" else tensor.contents.uint_contents
            field.extend(array.reshape(-1).tolist())
        answer = stub.ModelInfer(request)
        found = np.frombuffer(answer.raw_output_contents[0], np.int32).reshape(3, 2)
        assert np.array_equal(found, expected(graph, codes_of(graph, 3), False)["product"])
        both = service_pb2.ModelInferRequest()
        both.CopyFrom(request)
        both.raw_input_contents.extend([bytes(12), bytes(6)])
        with pytest.raises(grpc.RpcError) as fault:
            stub.ModelInfer(both)
        assert "its contents are raw already" in fault.value.details()
        both.raw_input_contents.pop()
        with pytest.raises(grpc.RpcError) as fault:
            stub.ModelInfer(both)
        assert "2 inputs, 1 raw contents" in fault.value.details()
        request.inputs[0].contents.fp32_contents.append(1.0)
        with pytest.raises(grpc.RpcError) as fault:
            stub.ModelInfer(request)
        assert fault.value.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert "contents in fp32_contents, int_contents" in fault.value.details()
        with pytest.raises(grpc.RpcError) as fault:
            channel.unary_unary("/inference.GRPCInferenceService/ModelInfer")(b"\xff\xff\xff")
        assert fault.value.code() is grpc.StatusCode.INVALID_ARGUMENT


@pytest.mark.parametrize("timeout", [1, 10**7])
def test_a_request_that_is_late_is_not_computed(client, timeout):
    arrays = client.inputs(values_of(GRAPHS["encoder"], 4), DATATYPES["encoder"][0])
    if timeout == 1:
        with pytest.raises(InferenceServerException, match="deadline"):
            client.client.infer("encoder", arrays, timeout=timeout)
    else:
        assert client.client.infer("encoder", arrays, timeout=timeout).as_numpy("latent").shape == (4, 2, 4)
