"""qcompress: quantized networks to firmware for detector read-out, proven bit by bit.

What a notebook needs stands here; each name is imported when it is first used, so that `import qcompress` is light:

* `compile(model)`: a quantized model to an exact `Graph`; `graph.build("cpp", folder)` makes a body of it.
* `quantize(model, plan)`: a model of floats, quantized after training, and what that cost.
* `verify(graph)`: the same codes through every body; `Comparison` says how many differ, and where first.
* `run("config.yaml")`: a firmware `Candidate` from its config, step by step; `load(folder)` opens one.
* `emulate(candidate, codes)`: the candidate's integers, from what was verified.
* `evaluate(candidate)`: the detector's physics on them; `compare(candidates)`: side by side; `check(candidate)`:
  budgets and clock.
* `simulate(detector, kind, events, path)`: a sample to begin with.
"""

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qcompress.api import check, compare, compile, emulate, evaluate, load, quantize, run, simulate, verify  # noqa: A004
    from qcompress.candidate import Candidate
    from qcompress.detectors import Results, Table
    from qcompress.errors import MismatchError, QcompressError, QcompressWarning, Refused
    from qcompress.fixedpoint import Format
    from qcompress.graph import Graph
    from qcompress.verification import Comparison

__version__ = "0.3.0.dev0"
__all__ = [
    "Candidate",
    "Comparison",
    "Format",
    "Graph",
    "MismatchError",
    "QcompressError",
    "QcompressWarning",
    "Refused",
    "Results",
    "Table",
    "__version__",
    "check",
    "compare",
    "compile",
    "emulate",
    "evaluate",
    "load",
    "quantize",
    "run",
    "simulate",
    "verify",
]
_HOMES = {
    "Candidate": "candidate",
    "Comparison": "verification",
    "Format": "fixedpoint",
    "Graph": "graph",
    "MismatchError": "errors",
    "QcompressError": "errors",
    "QcompressWarning": "errors",
    "Refused": "errors",
    "Results": "detectors",
    "Table": "detectors",
}
"""Rooms of the classes; the functions are those of `api`."""


class _Qkeras:
    """Has `import qkeras` take QKeras' own files where the distribution hgq2 has put others in their place."""

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> Any:
        """Of qkeras itself, for nothing is imported for it before it is asked for; None for every other module."""
        if fullname != "qkeras":
            return None
        from qcompress.frontends.distributions import find_qkeras

        finder = find_qkeras()
        return None if finder is None else finder.find_spec(fullname, path, target)


sys.meta_path.insert(0, _Qkeras())


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES.get(name, 'api')}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
