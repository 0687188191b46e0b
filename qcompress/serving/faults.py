"""What a client is told when it gets no answer: one line, a gRPC status and an HTTP status."""

import enum

from qcompress.errors import QcompressError

LONGEST = 500
"""Characters of a message; what a client has sent may stand in it."""


class Reason(enum.Enum):
    """Why there is no answer: name of the gRPC status, HTTP status."""

    INVALID = ("INVALID_ARGUMENT", 400)
    UNKNOWN = ("NOT_FOUND", 404)
    TOO_LARGE = ("RESOURCE_EXHAUSTED", 413)
    UNSUPPORTED = ("UNIMPLEMENTED", 501)
    BUSY = ("UNAVAILABLE", 503)
    LATE = ("DEADLINE_EXCEEDED", 504)
    DENIED = ("UNAUTHENTICATED", 401)
    INTERNAL = ("INTERNAL", 500)

    @property
    def status(self) -> str:
        """Name of the gRPC status."""
        return self.value[0]

    @property
    def http(self) -> int:
        """HTTP status."""
        return self.value[1]


class RequestFault(QcompressError):  # noqa: N818 - the client's, and what it is told
    """A request that is not answered; reason: why."""

    def __init__(self, reason: Reason, message: str) -> None:
        line = " ".join(message.split())
        super().__init__(line if len(line) <= LONGEST else f"{line[:LONGEST]}...")
        self.reason = reason


def invalid(message: str) -> RequestFault:
    """A request that no server could answer."""
    return RequestFault(Reason.INVALID, message)


def unsupported(what: str) -> RequestFault:
    """Something the protocol has and this service has not."""
    return RequestFault(Reason.UNSUPPORTED, f"{what}: not supported")


def shown(text: object) -> str:
    """What a client has sent, short, in quotes."""
    quoted = repr(text)
    return quoted if len(quoted) <= 80 else f"{quoted[:77]}..."
