"""What a service says of itself on standard error: one line for each fault of its own, none of a client's."""

import sys
import traceback


def say(line: str) -> None:
    """One line."""
    print(f"serve: {' '.join(line.split())}", file=sys.stderr, flush=True)


def report(what: str, fault: BaseException) -> None:
    """A fault of the service, and where in its sources; never what a client has sent."""
    frames = traceback.extract_tb(fault.__traceback__)[-2:]
    places = " < ".join(f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno}" for frame in reversed(frames))
    say(f"internal fault in {what}: {type(fault).__name__} at {places}")
