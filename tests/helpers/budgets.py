"""How long the tests of each room take, and how long they may: `make test` ends with it.

Budgets are seconds of an idle machine with two processes. A slow or busy machine takes longer; nothing fails for it.
"""

from collections.abc import Mapping

BUDGETS = {"graph": 60, "frontends": 120, "targets": 150, "synthesis": 60, "detectors": 150, "the rest": 60}
OTHERS = "the rest"


def room_of(test: str) -> str:
    """The room whose budget a test counts for, from its node id: tests/ROOM/.../test_NAME.py::..."""
    parts = test.split("::", maxsplit=1)[0].split("/")
    return parts[1] if len(parts) > 2 and parts[1] in BUDGETS else OTHERS


def said(spent: Mapping[str, float], processes: int) -> list[str]:
    """One line on all rooms, and one on those over their budget, if any.

    spent: seconds by room, those of all processes added up.
    """
    each = {room: spent.get(room, 0.0) / processes for room in BUDGETS}
    lines = [f"time by room, {processes} processes: " + ", ".join(_of(room, each[room]) for room in BUDGETS)]
    over = [room for room, seconds in each.items() if seconds > BUDGETS[room]]
    return [*lines, f"over budget: {', '.join(over)}"] if over else lines


def _of(room: str, seconds: float) -> str:
    return f"{room} {seconds:.0f} of {BUDGETS[room]} s"
