"""Valid requests of the protocol, damaged at random; and what an answer to such a one must be, if there is one."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from helpers.services import codes_of, encoder, pair, values_of, wide
from qcompress.errors import QcompressError
from qcompress.graph import Graph

GRAPHS = {graph.name: graph for graph in (encoder(), pair(), wide())}
DTYPES = {"FP32": "<f4", "FP64": "<f8"} | {
    f"{letter}INT{bits}": f"<{kind}{bits // 8}" for letter, kind in (("", "i"), ("U", "u")) for bits in (8, 16, 32, 64)
}
WORDS = ["", "encoder", "pair.codes", "left", "FP64", "UINT8", "INT64", "BYTES", "x" * 300, "\x00", "ü", "-1", "1"]
NUMBERS = [-1, 0, 1, 2, 3, 2**31, 2**63 - 1, -(2**63), 2**62 + 1]
Bytes = tuple[bytes, int]
"""A body, and the bytes of JSON it begins with; or a message, and 0."""
Parsed = tuple[str, dict[str, npt.NDArray[Any]]]
"""A model's name, and the arrays of a request by name."""


def valid(rng: np.random.Generator) -> tuple[str, dict[str, tuple[str, npt.NDArray[Any]]]]:
    """A model, and datatype and array of each of its inputs."""
    graph = GRAPHS[str(rng.choice(list(GRAPHS)))]
    rows, codes, seed = int(rng.integers(0, 6)), bool(rng.integers(2)), int(rng.integers(1000))
    taken = codes_of(graph, rows, seed) if codes else values_of(graph, rows, seed)
    datatype = str(rng.choice(["INT64", "INT32"])) if codes and graph.name != "wide" else "INT64" if codes else "FP64"
    inputs = {name: (datatype, array.astype(DTYPES[datatype])) for name, array in taken.items()}
    return graph.name + (".codes" if codes else ""), inputs


def http_body(rng: np.random.Generator) -> tuple[str, Bytes]:
    """A model, and a request in JSON, its tensors in binary or not; fields changed in some."""
    model, inputs = valid(rng)
    entries, pieces = [], []
    for name, (datatype, array) in inputs.items():
        entry: dict[str, Any] = {"name": name, "datatype": datatype, "shape": list(array.shape)}
        if rng.integers(2):
            pieces.append(array.tobytes())
            entry["parameters"] = {"binary_data_size": len(pieces[-1])}
        else:
            entry["data"] = array.tolist() if rng.integers(2) else array.reshape(-1).tolist()
        entries.append(entry)
    content: dict[str, Any] = {"id": "f", "inputs": entries, "parameters": {"binary_data_output": False}}
    if rng.random() < 0.6:
        change_json(content, rng)
    header = json.dumps(content).encode()
    return model, (header + b"".join(pieces), len(header))


def change_json(content: dict[str, Any], rng: np.random.Generator) -> None:
    """Put something else in a random place of nested lists and dictionaries, or take it out, or in twice."""
    place: Any = content
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        if not keys:
            return
        key = keys[int(rng.integers(len(keys)))]
        if not isinstance(place[key], dict | list) or rng.random() < 0.25:
            break
        place = place[key]
    choice = int(rng.integers(8))
    if choice == 0:
        del place[key]
    elif choice == 1 and isinstance(place, list):
        place.append(place[key])
    else:
        others: list[Any] = [None, True, 1.5, 1e400, float("nan"), [], {}, [[[]]], "7", 10**30, str(rng.choice(WORDS))]
        others.append(int(rng.choice(NUMBERS)))
        place[key] = others[int(rng.integers(len(others)))]


def grpc_message(rng: np.random.Generator) -> bytes:
    """A request as a message, its contents raw or typed; fields changed in some."""
    from tritonclient.grpc import service_pb2

    model, inputs = valid(rng)
    request = service_pb2.ModelInferRequest(model_name=model, id="f")
    raw = bool(rng.integers(2))
    for name, (datatype, array) in inputs.items():
        tensor = request.inputs.add(name=name, datatype=datatype, shape=array.shape)
        if raw:
            request.raw_input_contents.append(array.tobytes())
        else:
            field = {"FP64": "fp64_contents", "INT64": "int64_contents"}.get(datatype, "int_contents")
            getattr(tensor.contents, field).extend(array.reshape(-1).tolist())
    if rng.random() < 0.6:
        change_message(request, rng)
    message: bytes = request.SerializeToString()
    return message


def change_message(request: Any, rng: np.random.Generator) -> None:
    """Change one field of a request."""
    tensor = request.inputs[int(rng.integers(len(request.inputs)))]
    word, number = str(rng.choice(WORDS)), int(rng.choice(NUMBERS))
    shape = list(tensor.shape)
    shape[int(rng.integers(len(shape)))] = number
    changes: list[Callable[[], Any]] = [
        lambda: setattr(tensor, "name", word),
        lambda: setattr(tensor, "datatype", word),
        lambda: setattr(request, "model_name", word),
        lambda: setattr(request, "model_version", word),
        lambda: (tensor.ClearField("shape"), tensor.shape.extend(shape)),
        lambda: tensor.shape.append(number),
        lambda: request.inputs.append(tensor),
        lambda: request.raw_input_contents.append(b"123"),
        lambda: request.ClearField("raw_input_contents"),
        lambda: tensor.contents.int64_contents.append(number),
        lambda: tensor.contents.fp64_contents.append(float("nan")),
        lambda: request.outputs.add(name=word),
        lambda: request.parameters.get_or_create("timeout"),
        lambda: setattr(request.parameters.get_or_create("timeout"), "int64_param", number),
        lambda: setattr(tensor.parameters.get_or_create("shared_memory_region"), "string_param", word),
    ]
    changes[int(rng.integers(len(changes)))]()


def damaged(data: bytes, rng: np.random.Generator) -> bytes:
    """Some bytes changed, cut off, doubled or put in; or none."""
    made = bytearray(data)
    for _ in range(int(rng.integers(0, 4))):
        place = int(rng.integers(len(made) + 1))
        choice = int(rng.integers(4))
        if choice == 0 and place < len(made):
            made[place] ^= 1 << int(rng.integers(8))
        elif choice == 1:
            del made[place : place + int(rng.integers(1, 40))]
        elif choice == 2:
            made[place:place] = made[place : place + int(rng.integers(1, 40))]
        else:
            made[place:place] = rng.bytes(int(rng.integers(1, 6)))
    return bytes(made)


def expected_of(model: str, arrays: dict[str, npt.NDArray[Any]]) -> dict[str, npt.NDArray[np.float64]]:
    """What the reference gives for arrays of a model: codes or values, as float64, by name.

    Raises QcompressError or KeyError where there is no answer.
    """
    name, _, suffix = model.partition(".")
    graph = GRAPHS[name]
    given = arrays if len(arrays) > 1 else next(iter(arrays.values()))
    found = _run(graph, given, codes=suffix == "codes")
    found = found if isinstance(found, dict) else {graph.output_ports[0].name: found}
    return {name: np.asarray(array, np.float64) for name, array in found.items()}


def _run(graph: Graph, given: Any, codes: bool) -> Any:
    return graph.run(given) if codes else graph.predict(given)


def parsed_message(data: bytes) -> Parsed:
    """A message read by the protocol's own classes; raises ValueError or KeyError if it says nothing."""
    from google.protobuf.message import DecodeError
    from tritonclient.grpc import service_pb2

    try:
        request = service_pb2.ModelInferRequest.FromString(data)
    except DecodeError as fault:
        raise ValueError from fault
    arrays = {}
    for place, tensor in enumerate(request.inputs):
        dtype = np.dtype(DTYPES[tensor.datatype])
        if request.raw_input_contents:
            array = np.frombuffer(request.raw_input_contents[place], dtype)
        else:
            fields = [list(values) for _, values in tensor.contents.ListFields()]
            array = np.array(fields[0] if fields else [], dtype)
        arrays[tensor.name] = array.reshape(list(tensor.shape))
    return request.model_name, arrays


def parsed_body(model: str, data: bytes, length: int) -> Parsed:
    """A body read anew; raises ValueError or KeyError if it says nothing."""
    content, place, arrays = json.loads(data[:length]), length, {}
    for entry in content["inputs"]:
        dtype = np.dtype(DTYPES[entry["datatype"]])
        if "data" in entry:
            array = np.array(entry["data"], np.float64 if dtype.kind == "f" else dtype).astype(dtype)
        else:
            size = entry["parameters"]["binary_data_size"]
            array, place = np.frombuffer(data[place : place + size], dtype), place + size
        arrays[entry["name"]] = array.reshape(entry["shape"])
    return model, arrays


def is_right(parsed: Callable[[], Parsed], found: dict[str, npt.NDArray[Any]]) -> bool:
    """Whether an answer, arrays by name, is what the reference says to the request as it is parsed here."""
    try:
        expected = expected_of(*parsed())
    except (QcompressError, ValueError, KeyError, TypeError, IndexError, OverflowError):
        return False
    return bool(found) and all(
        name in expected and np.array_equal(np.asarray(array, np.float64), expected[name])
        for name, array in found.items()
    )
