"""What a message asks, as this service understands it."""

import time

import pytest
from tritonclient.grpc import service_pb2

from qcompress.serving.faults import Reason, RequestFault
from qcompress.serving.grpc_service import query_of


def request_of(**fields):
    made = service_pb2.ModelInferRequest(model_name="a", model_version="2", id="7", **fields)
    made.inputs.add(name="x", datatype="FP32", shape=[1, 2])
    made.raw_input_contents.append(bytes(8))
    return made


def test_names_shapes_and_sizes():
    request = request_of()
    query = query_of(request, None)
    assert (query.model, query.version, query.id, query.outputs, query.until) == ("a", "2", "7", None, None)
    assert [(each.name, each.datatype, each.shape, each.data) for each in query.inputs] == [
        ("x", "FP32", [1, 2], bytes(8))
    ]
    assert query.size == 8
    request.outputs.add(name="y")
    assert query_of(request, None).outputs == ["y"]


@pytest.mark.parametrize(
    ("remaining", "timeout", "seconds"),
    [(5.0, None, 5), (None, 3_000_000, 3), (5.0, 3_000_000, 3), (2.0, 3_000_000, 2)],
)
def test_the_earlier_of_two_deadlines_counts(remaining, timeout, seconds):
    request = request_of()
    if timeout is not None:
        request.parameters["timeout"].int64_param = timeout
    assert query_of(request, remaining).until == pytest.approx(time.monotonic() + seconds, abs=0.5)


def test_a_timeout_that_is_none_is_said():
    request = request_of()
    request.parameters["timeout"].string_param = "soon"
    with pytest.raises(RequestFault, match="parameter timeout 'string_param' is no number") as fault:
        query_of(request, None)
    assert fault.value.reason is Reason.INVALID
