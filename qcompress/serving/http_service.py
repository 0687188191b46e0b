"""The protocol over HTTP: paths to answers."""

import asyncio
import functools
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from qcompress.serving import http_bodies
from qcompress.serving.engine import AT_ONCE_BYTES, Engine
from qcompress.serving.faults import Reason, RequestFault, invalid, shown, unsupported
from qcompress.serving.management import Management, server_metadata
from qcompress.serving.monitoring import report
from qcompress.serving.tokens import check_token

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

Endpoint = Callable[["Request"], Awaitable["Response"]]
SMALL = 64 * 1024
"""Bytes that a request about the repository may have."""


class HttpService:
    """Endpoints of an engine. token: what a client must show, None if nothing."""

    def __init__(self, engine: Engine, management: Management, token: bytes | None) -> None:
        self.engine = engine
        self.management = management
        self.token = token

    def app(self) -> "Starlette":
        """As uvicorn takes it."""
        from starlette.applications import Starlette
        from starlette.routing import Route

        get: dict[str, Endpoint] = {
            "/v2": self.server,
            "/metrics": self.metrics,
            "/v2/models/stats": self.statistics,
        }
        post: dict[str, Endpoint] = {
            "/v2/repository/index": self.index,
            "/v2/repository/models/{model}/load": self.load,
            "/v2/repository/models/{model}/unload": self.unload,
        }
        for place in ("/v2/models/{model}", "/v2/models/{model}/versions/{version}"):
            get |= {
                place: self.metadata,
                f"{place}/ready": self.model_ready,
                f"{place}/config": self.config,
                f"{place}/stats": self.statistics,
            }
            post[f"{place}/infer"] = self.infer
        routes = [
            Route("/v2/health/live", _answered(self.live), methods=["GET"]),
            Route("/v2/health/ready", _answered(self.ready), methods=["GET"]),
            *(Route(path, _answered(self.allowed(endpoint)), methods=["GET"]) for path, endpoint in get.items()),
            *(Route(path, _answered(self.allowed(endpoint)), methods=["POST"]) for path, endpoint in post.items()),
        ]
        for path in ("systemsharedmemory", "cudasharedmemory", "trace", "logging"):
            refuse = _answered(self.allowed(self.unsupported))
            routes.append(Route(f"/v2/{path}", refuse, methods=["GET", "POST"]))
            routes.append(Route(f"/v2/{path}/{{rest:path}}", refuse, methods=["GET", "POST"]))
        app = Starlette(routes=routes, exception_handlers={404: _no_path, 405: _no_path})
        app.router.redirect_slashes = False
        return app

    def allowed(self, endpoint: Endpoint) -> Endpoint:
        """The endpoint for those who show the token."""
        if self.token is None:
            return endpoint

        async def guarded(request: "Request") -> "Response":
            check_token(request.headers.get("authorization", "").encode("latin-1"), self.token)
            return await endpoint(request)

        return guarded

    async def live(self, request: "Request") -> "Response":
        return _empty(200)

    async def ready(self, request: "Request") -> "Response":
        return _empty(200 if self.engine.ready else 503)

    async def server(self, request: "Request") -> "Response":
        return _json(server_metadata())

    async def metadata(self, request: "Request") -> "Response":
        model = self.engine.repository.find(*_model(request))
        return _json(model.metadata(self.engine.repository.versions(model.name)))

    async def model_ready(self, request: "Request") -> "Response":
        self.engine.repository.find(*_model(request))
        return _empty(200 if self.engine.ready else 503)

    async def config(self, request: "Request") -> "Response":
        return _json(self.engine.repository.find(*_model(request)).config())

    async def statistics(self, request: "Request") -> "Response":
        name, version = _model(request) if "model" in request.path_params else ("", "")
        return _json({"model_stats": self.management.statistics(name, version)})

    async def index(self, request: "Request") -> "Response":
        with self.engine.admitted("http"):
            body = await self._body(request, SMALL)
        given = http_bodies.json_of(body) if body else {}
        if not isinstance(given, dict) or not isinstance(given.get("ready", False), bool):
            raise invalid('the request is no JSON object, or its "ready" is neither true nor false')
        return _json(self.engine.repository.index(given.get("ready", False)))

    async def load(self, request: "Request") -> "Response":
        self.management.check()
        with self.engine.admitted("http"):
            await self._body(request, SMALL)
            await self.management.load(request.path_params["model"])
        return _empty(200)

    async def unload(self, request: "Request") -> "Response":
        self.management.check()
        with self.engine.admitted("http"):
            await self._body(request, SMALL)
        self.management.unload(request.path_params["model"])
        return _empty(200)

    async def metrics(self, request: "Request") -> "Response":
        from starlette.responses import Response

        return Response(self.engine.metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")

    async def unsupported(self, request: "Request") -> "Response":
        raise unsupported(request.url.path.split("/")[2])

    async def infer(self, request: "Request") -> "Response":
        from starlette.responses import Response

        arrived = time.perf_counter()
        with self.engine.admitted("http"):
            try:
                wanted = await self._wanted(request)
            except RequestFault as fault:
                self.engine.failed("http", None, fault)
                raise
            answer = await self.engine.infer(wanted.query, "http", arrived)
            accepted = request.headers.get("accept-encoding", "")
            write = partial(http_bodies.written, wanted, answer, accepted)
            is_long = bool(accepted) or http_bodies.json_size(wanted, answer) > AT_ONCE_BYTES
            written = await self.engine.in_worker(write) if is_long else write()
        headers = {} if written.json_bytes is None else {"Inference-Header-Content-Length": str(written.json_bytes)}
        headers |= {"Content-Encoding": written.encoding} if written.encoding else {}
        kind = "application/json" if written.json_bytes is None else "application/octet-stream"
        return Response(written.body, headers=headers, media_type=kind)

    async def _wanted(self, request: "Request") -> http_bodies.Wanted:
        """The request in a body."""
        body, told = await self._body(request), request.headers.get(http_bodies.HEADER_LENGTH)
        end = http_bodies.json_end(body, told)
        read = partial(http_bodies.read, *_model(request), body, None if told is None else end)
        return read() if end <= AT_ONCE_BYTES else await self.engine.in_worker(read)

    async def _body(self, request: "Request", most: int | None = None) -> bytes:
        """The body, unpacked; most: bytes of it, None for as many as a request may have.

        Raises RequestFault as soon as it is known to be too large.
        """
        largest = self.engine.limits.request_bytes if most is None else min(most, self.engine.limits.request_bytes)
        told = request.headers.get("content-length", "")
        too_large = RequestFault(Reason.TOO_LARGE, f"the request is larger than {largest} bytes")
        if told.isdecimal() and int(told[:18]) > largest:
            raise too_large
        pieces, size = [], 0
        try:
            async with asyncio.timeout(self.engine.limits.deadline):
                async for piece in request.stream():
                    size += len(piece)
                    if size > largest:
                        raise too_large
                    pieces.append(piece)
        except TimeoutError:
            raise RequestFault(Reason.LATE, "the request took too long to arrive") from None
        encoding = request.headers.get("content-encoding", "").strip().lower()
        unpack = partial(http_bodies.unpacked, b"".join(pieces), encoding, largest)
        return unpack() if not encoding else await self.engine.in_worker(unpack)


def _model(request: "Request") -> tuple[str, str]:
    """Name and version in a path."""
    return request.path_params["model"], request.path_params.get("version", "")


def _json(content: Any, status: int = 200) -> "Response":
    from starlette.responses import JSONResponse

    return JSONResponse(content, status)


def _empty(status: int) -> "Response":
    from starlette.responses import Response

    return Response(status_code=status)


def _answered(endpoint: Endpoint) -> Endpoint:
    """The endpoint, with faults as the protocol has them."""
    from starlette.requests import ClientDisconnect

    @functools.wraps(endpoint)
    async def answer(request: "Request") -> "Response":
        try:
            return await endpoint(request)
        except RequestFault as fault:
            return _json({"error": str(fault)}, fault.reason.http)
        except ClientDisconnect:
            return _empty(Reason.INVALID.http)
        except Exception as fault:
            report(f"{request.method} {request.url.path}", fault)
            return _json({"error": "internal fault of the service"}, Reason.INTERNAL.http)

    return answer


async def _no_path(request: "Request", fault: Exception) -> "Response":
    status = getattr(fault, "status_code", Reason.UNKNOWN.http)
    return _json({"error": f"nothing answers {request.method} {shown(request.url.path)}"}, status)
