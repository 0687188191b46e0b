"""Whether a client shows the token."""

import hmac

from qcompress.serving.faults import Reason, RequestFault


def check_token(header: bytes, token: bytes | None) -> None:
    """Raises RequestFault unless `header`, an authorization header, shows the token; compared in constant time."""
    scheme, _, own = header.partition(b" ")
    if token is None or (hmac.compare_digest(own.strip(), token) and scheme.lower() == b"bearer"):
        return
    raise RequestFault(Reason.DENIED, "needs the header Authorization: Bearer TOKEN")
