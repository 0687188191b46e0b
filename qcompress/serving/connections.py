"""HTTP connections: how many may be open, and how long one may take to say what it wants."""

import asyncio
import json
import resource
from typing import TYPE_CHECKING, Any

from qcompress.serving.faults import Reason

if TYPE_CHECKING:
    from uvicorn.protocols.http.h11_impl import H11Protocol

MOST = 4096
"""Connections that are open at a time where the limit of descriptors allows them."""
SPARE = 256
"""Descriptors that are left to gRPC, to files and to what the process has open anyway."""


def most_connections() -> int:
    """HTTP connections that may be open at a time, by the limit of descriptors; half of it where it is low."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MOST if soft == resource.RLIM_INFINITY else min(MOST, max(soft - SPARE, soft // 2))


def connection_of(deadline: float, most: int) -> type["H11Protocol"]:
    """Class of connections, as uvicorn takes it.

    deadline: seconds from its begin, or from the last answer, to the end of the next header; most: that may be open.
    """
    from uvicorn.protocols.http.h11_impl import H11Protocol

    class Connection(H11Protocol):
        """A connection that is closed when its client says nothing for too long; faults are those of the protocol."""

        waiting: asyncio.TimerHandle | None = None

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            if len(self.connections) > most:
                self._refuse(Reason.BUSY, f"{most} connections are open; try again later")
            else:
                self._wait()

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            if not self._is_idle():
                self._unset()

        def on_response_complete(self) -> None:
            super().on_response_complete()
            if self._is_idle():
                self._wait()

        def connection_lost(self, exc: Exception | None) -> None:
            self._unset()
            super().connection_lost(exc)

        def send_400_response(self, msg: str) -> None:
            self._refuse(Reason.INVALID, "the request is no HTTP/1.1")

        def _is_idle(self) -> bool:
            """Whether no request is being answered."""
            return self.cycle is None or self.cycle.response_complete

        def _wait(self) -> None:
            self._unset()
            if not self.transport.is_closing():
                self.waiting = self.loop.call_later(deadline, self.transport.abort)

        def _unset(self) -> None:
            if self.waiting is not None:
                self.waiting.cancel()
                self.waiting = None

        def _refuse(self, reason: Reason, message: str) -> None:
            """Answer with an error if nothing has been answered yet, and close."""
            if self._is_idle() or not self.cycle.response_started:
                body = json.dumps({"error": message}).encode()
                head = f"HTTP/1.1 {reason.http} \r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
                self.transport.write(head.encode() + b"Connection: close\r\n\r\n" + body)
            if self.cycle is not None:
                self.cycle.disconnected = True
            self.transport.close()

    return Connection
