"""A candidate as its detector sees it: graphs, chains of integer stages, and the bodies that run them here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from qcompress.errors import QcompressError
from qcompress.files import Json
from qcompress.fixedpoint import Codes, Values
from qcompress.graph import Chain, Graph

FrontEndRegisters = Mapping[str, Json]
"""The registers in front of the networks, by name: JSON values that travel with the candidate."""


@dataclass(frozen=True)
class Running:
    """A network with all integer stages around it, as it runs on this machine.

    chain: what was verified; compute: the fastest body of it that is at hand, or None for the chain itself: the same
    codes.
    """

    chain: Chain
    compute: Callable[[Codes], Any] | None = None

    def run(self, codes: Codes) -> dict[str, Codes]:
        """Codes in front of all stages (n, *shape) -> codes of every stage that leaves the chain, by its name."""
        found = (self.compute or self.chain.run)(codes)
        return dict(found) if isinstance(found, Mapping) else {self.chain.outputs[0]: found}


@dataclass(frozen=True)
class Firmware:
    """A candidate as its detector sees it, by network name: graphs, whole chains, and the bodies of the graphs alone.

    front_end: the registers; options: the config's `network` section as plain values, empty for the detector's
    defaults. `chains` are what the candidate is; `run` is for a network behind another front end than its own.
    """

    front_end: FrontEndRegisters
    graphs: Mapping[str, Graph]
    chains: Mapping[str, Running]
    run: Mapping[str, Callable[[Codes], Codes]]
    options: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of_chains(cls, front_end: FrontEndRegisters, chains: Mapping[str, Chain], **options: Any) -> "Firmware":
        """The reference of some chains, by network name; the graph of each is the one named first of its outputs.

        front_end: the registers in front of them; options: of the config's `network` section. Raises QcompressError if
        what leaves a chain first is no graph.
        """
        graphs = {}
        for name, chain in chains.items():
            stage = next(stage for stage in chain.stages if stage.name == chain.outputs[0])
            if not isinstance(stage, Graph):
                raise QcompressError(f"chain {chain.name}: {stage.name}, which leaves it first, is no graph")
            graphs[name] = stage
        running = {name: Running(chain) for name, chain in chains.items()}
        return cls(front_end, graphs, running, {name: graph.run for name, graph in graphs.items()}, options)

    def network_codes(self, name: str, codes: Codes) -> Codes:
        """Codes in front of all stages (n, *shape) -> output codes of network `name` itself, from its chain."""
        return self.chains[name].run(codes)[self.graphs[name].name]


Decoders = Mapping[str, Callable[[Values], Values]]
"""Trained companions by name: values (n, ...) -> values (n, ...)."""
