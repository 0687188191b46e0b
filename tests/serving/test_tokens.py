"""Who shows the token."""

import pytest

from qcompress.serving.faults import Reason, RequestFault
from qcompress.serving.tokens import check_token

TOKEN = b"0123456789abcdef"


@pytest.mark.parametrize("header", [b"Bearer " + TOKEN, b"bearer  " + TOKEN + b" "])
def test_who_shows_it_passes(header):
    check_token(header, TOKEN)
    check_token(b"", None)


@pytest.mark.parametrize(
    "header",
    [b"", TOKEN, b"Bearer ", b"Bearer " + TOKEN[:-1], b"Bearer " + TOKEN + b"0", b"Basic " + TOKEN, b"Bearer \xff"],
)
def test_who_does_not_is_denied(header):
    with pytest.raises(RequestFault) as fault:
        check_token(header, TOKEN)
    assert fault.value.reason is Reason.DENIED
    assert TOKEN.decode() not in str(fault.value)
