"""The protocol over gRPC: its own message classes, of tritonclient, with handlers of ours."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from qcompress.files import JsonObject
from qcompress.serving.datatypes import BY_DTYPE, CONTENTS
from qcompress.serving.engine import Answer, Engine, Query
from qcompress.serving.faults import Reason, RequestFault, invalid, shown, unsupported
from qcompress.serving.http_bodies import until
from qcompress.serving.management import Management, server_metadata
from qcompress.serving.models import datatype_of
from qcompress.serving.monitoring import report
from qcompress.serving.tensors import Data, Tensor
from qcompress.serving.tokens import check_token

SERVICE = "GRPCInferenceService"
OPEN = ("ServerLive", "ServerReady")
"""Methods for which no token is needed."""
FIELDS = {each.name: each.contents for each in BY_DTYPE.values()}
"""Field of typed contents that holds numbers of a datatype."""


class GrpcService:
    """Methods of an engine, by name: message -> message. token: what a client must show, None if nothing."""

    def __init__(self, engine: Engine, management: Management, token: bytes | None) -> None:
        from google.protobuf.json_format import ParseDict
        from tritonclient.grpc import service_pb2

        self.engine = engine
        self.management = management
        self.token = token
        self._messages: Any = service_pb2
        self._parse: Callable[..., Any] = ParseDict

    def handler(self) -> Any:
        """As a gRPC server takes it. Every method of the protocol is there; those that are not ours say so."""
        import grpc

        service = self._messages.DESCRIPTOR.services_by_name[SERVICE]
        own: dict[str, Callable[[Any, Any], Awaitable[Any]]] = {
            "ServerLive": self.live,
            "ServerReady": self.ready,
            "ServerMetadata": self.server,
            "ModelReady": self.model_ready,
            "ModelMetadata": self.metadata,
            "ModelConfig": self.config,
            "ModelStatistics": self.statistics,
            "ModelInfer": self.infer,
            "RepositoryIndex": self.index,
            "RepositoryModelLoad": self.load,
            "RepositoryModelUnload": self.unload,
        }
        handlers = {}
        for method in service.methods:
            if method.name == "ModelStreamInfer":
                handlers[method.name] = grpc.stream_stream_rpc_method_handler(self.stream)
                continue
            behaviour = self._answered(method.name, own.get(method.name))
            handlers[method.name] = grpc.unary_unary_rpc_method_handler(behaviour)
        return grpc.method_handlers_generic_handler(service.full_name, handlers)

    def _answered(self, name: str, method: Callable[[Any, Any], Awaitable[Any]] | None) -> Callable[..., Any]:
        """The method on bytes, with faults as the protocol has them."""
        import grpc

        described = self._messages.DESCRIPTOR.services_by_name[SERVICE].methods_by_name[name]
        taken = getattr(self._messages, described.input_type.name)

        async def answer(given: bytes, context: Any) -> bytes:
            try:
                self._allow(name, context)
                if method is None:
                    raise unsupported(name)
                found: bytes = (await method(_message(taken, given), context)).SerializeToString()
                return found
            except RequestFault as fault:
                refused = fault
            except Exception as fault:
                report(name, fault)
                refused = RequestFault(Reason.INTERNAL, "internal fault of the service")
            await context.abort(grpc.StatusCode[refused.reason.status], str(refused))
            raise refused

        return answer

    def _allow(self, name: str, context: Any) -> None:
        if self.token is not None and name not in OPEN:
            told = dict(context.invocation_metadata() or ())
            header = told.get("authorization", "")
            check_token(header if isinstance(header, bytes) else header.encode("latin-1", "replace"), self.token)

    async def live(self, request: Any, context: Any) -> Any:
        return self._messages.ServerLiveResponse(live=True)

    async def ready(self, request: Any, context: Any) -> Any:
        return self._messages.ServerReadyResponse(ready=self.engine.ready)

    async def server(self, request: Any, context: Any) -> Any:
        return self._messages.ServerMetadataResponse(**server_metadata())

    async def model_ready(self, request: Any, context: Any) -> Any:
        try:
            self.engine.repository.find(request.name, request.version)
        except RequestFault:  # an unknown one is not ready
            return self._messages.ModelReadyResponse(ready=False)
        return self._messages.ModelReadyResponse(ready=self.engine.ready)

    async def metadata(self, request: Any, context: Any) -> Any:
        model = self.engine.repository.find(request.name, request.version)
        told = model.metadata(self.engine.repository.versions(model.name))
        return self._made(told, self._messages.ModelMetadataResponse())

    async def config(self, request: Any, context: Any) -> Any:
        told = self.engine.repository.find(request.name, request.version).config()
        return self._made({"config": told}, self._messages.ModelConfigResponse())

    async def statistics(self, request: Any, context: Any) -> Any:
        told = self.management.statistics(request.name, request.version)
        return self._made({"model_stats": told}, self._messages.ModelStatisticsResponse())

    async def index(self, request: Any, context: Any) -> Any:
        told = self.engine.repository.index(request.ready)
        return self._made({"models": told}, self._messages.RepositoryIndexResponse())

    async def load(self, request: Any, context: Any) -> Any:
        await self.management.load(request.model_name)
        return self._messages.RepositoryModelLoadResponse()

    async def unload(self, request: Any, context: Any) -> Any:
        self.management.unload(request.model_name)
        return self._messages.RepositoryModelUnloadResponse()

    async def infer(self, request: Any, context: Any) -> Any:
        arrived = time.perf_counter()
        with self.engine.admitted("grpc"):
            try:
                query = query_of(request, context.time_remaining())
            except RequestFault as fault:
                self.engine.failed("grpc", None, fault)
                raise
            return self._response(await self.engine.infer(query, "grpc", arrived))

    async def stream(self, requests: AsyncIterator[bytes], context: Any) -> AsyncIterator[bytes]:
        """Requests, answered in their order; one that has no answer gets a message, and the stream goes on."""
        import grpc

        try:
            self._allow("ModelStreamInfer", context)
        except RequestFault as fault:
            await context.abort(grpc.StatusCode[fault.reason.status], str(fault))
        while (given := await self._next(requests, context)) is not None:
            made = self._messages.ModelStreamInferResponse()
            try:
                request = _message(self._messages.ModelInferRequest, given)
                made.infer_response.id = request.id
                made.infer_response.CopyFrom(await self.infer(request, context))
            except RequestFault as fault:
                made.error_message = str(fault)
            except Exception as fault:
                report("ModelStreamInfer", fault)
                made.error_message = "internal fault of the service"
            yield made.SerializeToString()

    async def _next(self, requests: AsyncIterator[bytes], context: Any) -> bytes | None:
        """The next request of a stream, None at its end; a stream in which none comes for too long is ended."""
        import grpc

        limit = self.engine.limits.deadline
        try:
            async with asyncio.timeout(limit):
                return await anext(requests, None)
        except TimeoutError:
            fault = RequestFault(Reason.LATE, f"no request came for {limit:g} s; the stream is ended")
        await context.abort(grpc.StatusCode[fault.reason.status], str(fault))
        raise fault

    def _response(self, answer: Answer) -> Any:
        response = self._messages.ModelInferResponse(
            model_name=answer.model.name, model_version=answer.model.version, id=answer.id
        )
        response.parameters["content_hash"].string_param = answer.model.content_hash
        for name, array in answer.outputs.items():
            datatype = datatype_of(array)
            response.outputs.add(name=name, datatype=datatype.name, shape=array.shape)
            response.raw_output_contents.append(array.astype(datatype.dtype, copy=False).tobytes())
        return response

    def _made(self, told: JsonObject, message: Any) -> Any:
        return self._parse(told, message, ignore_unknown_fields=True)


def _message(kind: Any, given: bytes) -> Any:
    """The message in some bytes; raises RequestFault if there is none."""
    from google.protobuf.message import DecodeError

    try:
        return kind.FromString(given)
    except DecodeError:
        raise invalid("the request is no message of the protocol") from None


def query_of(request: Any, remaining: float | None) -> Query:
    """The query in a ModelInferRequest; remaining: seconds until the client gives up, None if it does not.

    Raises RequestFault for what contradicts itself and for what this service does not do.
    """
    raw = request.raw_input_contents
    if len(raw) not in (0, len(request.inputs)):
        raise invalid(f"{len(request.inputs)} inputs, {len(raw)} raw contents: give all of them so, or none")
    tensors, size = [], 0
    for place, entry in enumerate(request.inputs):
        _refuse(entry.parameters)
        data: Data = _contents(entry, bool(raw))
        if raw:
            data = raw[place]
            size += len(data)
        tensors.append(Tensor(entry.name, entry.datatype, list(entry.shape), data))
    for output in request.outputs:
        _refuse(output.parameters)
    names = [output.name for output in request.outputs]
    ends = [] if remaining is None else [time.monotonic() + remaining]
    if "timeout" in request.parameters and (end := until(_integer(request.parameters["timeout"]))) is not None:
        ends.append(end)
    end, size = min(ends, default=None), size or request.ByteSize()
    return Query(request.model_name, request.model_version, request.id, tensors, names or None, end, size)


def _contents(entry: Any, raw: bool) -> list[Any]:
    """Typed contents of an input; none where there are raw ones."""
    if not entry.HasField("contents"):
        return []
    filled = [name for name in CONTENTS if len(getattr(entry.contents, name))]
    field = FIELDS.get(entry.datatype)
    if raw or (filled and filled != [field]):
        told = "its contents are raw already" if raw else f"contents in {', '.join(sorted(filled))}"
        raise invalid(f"input {shown(entry.name)}, datatype {shown(entry.datatype)}: {told}")
    return [] if field is None else list(getattr(entry.contents, field))


def _integer(parameter: Any) -> object:
    """The number in a parameter."""
    kind = parameter.WhichOneof("parameter_choice")
    return getattr(parameter, kind) if kind in ("int64_param", "uint64_param") else kind


def _refuse(parameters: Any) -> None:
    """Raises RequestFault for what this service does not do."""
    if "shared_memory_region" in parameters:
        raise unsupported("shared memory")
    if "classification" in parameters and parameters["classification"].int64_param:
        raise unsupported("classification")
