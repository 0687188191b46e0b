"""How campaigns end for what their user can mend: one line, and 2."""

import sys
from collections.abc import Callable
from functools import wraps

from qcompress.errors import QcompressError


def in_one_line(main: Callable[[], None]) -> Callable[[], None]:
    """A campaign that ends with 2, and one line, for what its user can mend."""

    @wraps(main)
    def told() -> None:
        try:
            main()
        except QcompressError as fault:
            print(fault, file=sys.stderr)
            raise SystemExit(2) from None

    return told
