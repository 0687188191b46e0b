"""Public networks that `campaigns/public_networks.py` compiles: what each is, where it is from, what is right of it.

The list only grows: an entry that fails stays. `NETWORKS` fills when the modules of this package are imported.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

MODULES = ("files", "qkeras_own", "hls4ml_tests", "triggers", "tiny", "by_request", "hgq2_own", "qonnx_own")
IMAGE = "ufixed<8,0>"
WIDE = "fixed<16,6>"


@dataclass(frozen=True)
class Network:
    """One public network.

    source: "owner/name: path", or the publication whose layer table is rebuilt with random weights.
    build: gives a model. file: of an exporter, in its place: "data: PATH" in the folder of reference data, or
    "owner/name: PATH" in a clone; weights: a second file there. One of build and file is given.
    input_format: of inputs without a quantizer. plan: of a quantization after training, for a network of floats.
    refused: a pattern that the refusal has to match where refusing is right; where it is None, the right answer is the
    framework's own codes (and the stored ones, where a file has them beside it), all of them.
    """

    name: str
    family: str
    source: str
    build: Callable[..., Any] | None = None
    file: str | None = None
    weights: str | None = None
    input_format: str | None = None
    plan: str | None = None
    refused: str | None = None


NETWORKS: dict[str, Network] = {}


def add(found: Network) -> None:
    """Put a network into the list; raises ValueError for a name that is there already."""
    if found.name in NETWORKS:
        raise ValueError(f"two networks are called {found.name}")
    NETWORKS[found.name] = found


def every() -> dict[str, Network]:
    """The whole list, by name."""
    for module in MODULES:
        import_module(f"{__name__}.{module}")
    return NETWORKS
