"""Bodies of requests and answers as the protocol has them over HTTP: JSON, and binary tensors behind it."""

import json
import re
import time
import zlib
from collections.abc import Mapping
from typing import Any, NamedTuple

from qcompress.files import JsonObject
from qcompress.serving.engine import Answer, Query
from qcompress.serving.faults import Reason, RequestFault, invalid, shown, unsupported
from qcompress.serving.models import datatype_of
from qcompress.serving.tensors import Tensor

HEADER_LENGTH = "inference-header-content-length"
"""Bytes of JSON in front of binary tensors."""
WINDOW = {"gzip": 31, "deflate": 15}
"""Encodings, and zlib's number for their headers."""
NEVER = re.compile(r"q=0(\.0*)?")
"""The quality of an encoding that a client does not take."""


class Wanted(NamedTuple):
    """A request, and which of its outputs are wanted in binary: by name, or all others."""

    query: Query
    binary: Mapping[str, bool]
    binary_default: bool

    def is_binary(self, name: str) -> bool:
        """Whether an output is wanted in binary."""
        return self.binary.get(name, self.binary_default)


class Written(NamedTuple):
    """The body of an answer. encoding: empty for none; json_bytes: in front of binary tensors, None without such."""

    body: bytes
    encoding: str
    json_bytes: int | None


def unpacked(body: bytes, encoding: str, largest: int) -> bytes:
    """The body without its Content-Encoding; raises RequestFault for an unknown one, damage, and `largest` exceeded."""
    if encoding in ("", "identity"):
        return body
    if encoding not in WINDOW:
        raise unsupported(f"Content-Encoding {shown(encoding)}")
    unpacker = zlib.decompressobj(WINDOW[encoding])
    try:
        found = unpacker.decompress(body, largest + 1)
    except zlib.error as fault:
        raise invalid(f"the body is not {encoding}: {fault}") from None
    if len(found) > largest:
        raise RequestFault(Reason.TOO_LARGE, f"the request has more than {largest} bytes when it is unpacked")
    if not unpacker.eof or unpacker.unused_data:
        raise invalid(f"the body is not one whole piece of {encoding}")
    return found


def packed(body: bytes, accepted: str) -> tuple[bytes, str]:
    """The body in the first encoding that a client accepts and this service knows, and its name; else as it is."""
    for each in accepted.lower().split(","):
        name, _, quality = each.strip().partition(";")
        if name.strip() in WINDOW and not NEVER.fullmatch(quality.replace(" ", "")):
            packer = zlib.compressobj(1, zlib.DEFLATED, WINDOW[name.strip()])
            return packer.compress(body) + packer.flush(), name.strip()
    return body, ""


def json_end(body: bytes, told: str | None) -> int:
    """How many bytes of a body are JSON; told: by its header of that name. Raises RequestFault for no such number."""
    if told is None:
        return len(body)
    if not (told.isascii() and told.isdecimal()) or len(told) > 18:
        raise invalid(f"Inference-Header-Content-Length {shown(told)} is no number of bytes")
    if int(told) > len(body):
        raise invalid(f"Inference-Header-Content-Length {int(told)}, the body has {len(body)} bytes")
    return int(told)


def read(model: str, version: str, body: bytes, json_bytes: int | None) -> Wanted:
    """The request in a body; json_bytes: in front of binary tensors, None if all of it is JSON.

    Raises RequestFault for what is none.
    """
    end = len(body) if json_bytes is None else json_bytes
    content = _object(json_of(body[:end]), "the request")
    parameters = _object(_given(content, "parameters", {}), "parameters")
    inputs, place = [], end
    for entry in _objects(content.get("inputs"), "inputs"):
        tensor, place = _tensor(entry, memoryview(body), place, json_bytes is not None)
        inputs.append(tensor)
    if place != len(body):
        raise invalid(f"{len(body) - place} bytes behind the last tensor belong to none")
    outputs = _objects(_given(content, "outputs", []), "outputs")
    binary = {}
    for entry in outputs:
        own = _object(_given(entry, "parameters", {}), "parameters of an output")
        _refuse(own)
        if "binary_data" in own:
            binary[_text(entry, "name", "an output")] = _flag(own, "binary_data")
    names = [_text(entry, "name", "an output") for entry in outputs]
    request_id = "" if content.get("id") is None else _text(content, "id", "the request")
    query = Query(model, version, request_id, inputs, names or None, until(parameters.get("timeout")), len(body))
    return Wanted(query, binary, "binary_data_output" in parameters and _flag(parameters, "binary_data_output"))


def json_size(wanted: Wanted, answer: Answer) -> int:
    """About how many bytes of an answer are JSON."""
    told = (array for name, array in answer.outputs.items() if not wanted.is_binary(name))
    return sum(8 * array.size for array in told)


def written(wanted: Wanted, answer: Answer, accepted: str) -> Written:
    """The body of an answer; accepted: what the client's Accept-Encoding says."""
    outputs, pieces = [], []
    for name, array in answer.outputs.items():
        datatype = datatype_of(array)
        output: JsonObject = {"name": name, "datatype": datatype.name, "shape": list(array.shape)}
        if wanted.is_binary(name):
            pieces.append(array.astype(datatype.dtype, copy=False).tobytes())
            output["parameters"] = {"binary_data_size": len(pieces[-1])}
        else:
            output["data"] = array.reshape(-1).tolist()
        outputs.append(output)
    told: JsonObject = {
        "model_name": answer.model.name,
        "model_version": answer.model.version,
        "parameters": {"content_hash": answer.model.content_hash},
        "outputs": outputs,
    }
    if answer.id:
        told["id"] = answer.id
    header = json.dumps(told, separators=(",", ":")).encode()
    body, encoding = packed(b"".join([header, *pieces]), accepted)
    return Written(body, encoding, len(header) if pieces else None)


def json_of(body: bytes) -> Any:
    """JSON in a body; raises RequestFault if it is none."""
    try:
        return DECODER.decode(body.decode())
    except UnicodeDecodeError as fault:
        raise invalid(f"the request is no JSON: byte {fault.start} is not UTF-8") from None
    except json.JSONDecodeError as fault:
        raise invalid(f"the request is no JSON: {fault}") from None
    except ValueError:
        raise invalid("the request is no JSON: a number has too many digits") from None
    except RecursionError:
        raise invalid("the request is no JSON: it is nested too deeply") from None


def _once(pairs: list[tuple[str, Any]]) -> JsonObject:
    """An object of JSON; raises RequestFault for a key that it has twice."""
    found = dict(pairs)
    if len(found) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for place, key in enumerate(keys) if key in keys[:place])
        raise invalid(f"the request has {shown(twice)} twice in one object")
    return found


DECODER = json.JSONDecoder(object_pairs_hook=_once)
"""Made once, not for every request."""


def until(timeout: object) -> float | None:
    """When a client gives up, by its parameter timeout [us]: time.monotonic; None if it does not."""
    if timeout is None:
        return None
    if type(timeout) is not int or timeout < 0:
        raise invalid(f"parameter timeout {shown(timeout)} is no number of microseconds")
    return time.monotonic() + min(timeout, 10**12) / 1e6 if timeout else None


def _tensor(entry: JsonObject, body: memoryview, place: int, has_length: bool) -> tuple[Tensor, int]:
    """An input, and where in the body the next one begins."""
    name, datatype = _text(entry, "name", "an input"), _text(entry, "datatype", "an input")
    parameters = _object(_given(entry, "parameters", {}), f"parameters of input {shown(name)}")
    _refuse(parameters)
    shape = entry.get("shape")
    if not isinstance(shape, list):
        raise invalid(f"input {shown(name)}: shape is no list of numbers")
    size = parameters.get("binary_data_size")
    if (size is None) == ("data" not in entry):
        raise invalid(f"input {shown(name)}: give its data, or its binary_data_size, and not both")
    if size is None:
        data = entry["data"]
        if not isinstance(data, list):
            raise invalid(f"input {shown(name)}: data is no list of numbers")
        return Tensor(name, datatype, shape, data), place
    if type(size) is not int or size < 0:
        raise invalid(f"input {shown(name)}: binary_data_size {shown(size)} is no number of bytes")
    if not has_length:
        raise invalid("binary tensors need the header Inference-Header-Content-Length")
    if place + size > len(body):
        raise invalid(f"input {shown(name)}: {size} bytes, {len(body) - place} are left in the body")
    return Tensor(name, datatype, shape, body[place : place + size]), place + size


def _refuse(parameters: JsonObject) -> None:
    """Raises RequestFault for what this service does not do."""
    if "shared_memory_region" in parameters:
        raise unsupported("shared memory")
    if parameters.get("classification"):
        raise unsupported("classification")


def _given(entry: JsonObject, key: str, default: object) -> object:
    """What an object has under a key; null is as good as none."""
    value = entry.get(key)
    return default if value is None else value


def _object(value: object, what: str) -> JsonObject:
    if not isinstance(value, dict):
        raise invalid(f"{what} is no JSON object")
    return value


def _objects(value: object, what: str) -> list[JsonObject]:
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise invalid(f"{what} is no list of JSON objects")
    return value


def _text(entry: JsonObject, key: str, what: str) -> str:
    value = entry.get(key)
    if not isinstance(value, str):
        raise invalid(f"{key} of {what} is no text")
    return value


def _flag(parameters: JsonObject, key: str) -> bool:
    value = parameters[key]
    if not isinstance(value, bool):
        raise invalid(f"parameter {key} is neither true nor false")
    return value
