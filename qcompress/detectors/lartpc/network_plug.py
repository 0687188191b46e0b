"""What the detector asks a network of its own for: each of them is a plug, chosen once by config or by registers."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from qcompress.detectors import FrontEndRegisters, Network, Rows
from qcompress.detectors.lartpc.presets import PRESETS
from qcompress.files import JsonObject
from qcompress.graph import Graph, Stage


class NetworkPlug(ABC):
    """A kind of network of liquid argon, from its section of a config to the integer stages around it.

    What is done with a candidate of it, `emulate` and `evaluate`, stands in `evaluation.running`: a change of a table
    there makes no training run again.
    """

    name: ClassVar[str]
    """Of the network, by which `evaluation.running` knows it."""

    @abstractmethod
    def section(self, options: Any) -> Any | None:
        """What describes this network in a config's section `network`, `options`; None where it does not."""

    @abstractmethod
    def owns(self, registers: FrontEndRegisters) -> bool:
        """Whether registers are those of this network."""

    @abstractmethod
    def front_end(self, options: Any) -> JsonObject:
        """What the network's input is made with, as JSON; options: its section."""

    @abstractmethod
    def rows(self, path: Path, registers: FrontEndRegisters) -> Rows:
        """The sample at `path` as codes in front of all stages, and its targets."""

    @abstractmethod
    def preprocess(self, registers: FrontEndRegisters) -> Stage:
        """The integer stage in front of the network."""

    def postprocess(self, registers: FrontEndRegisters, graph: Graph) -> tuple[Stage, ...]:
        """The integer stages behind the network, whose arithmetic is `graph`; none unless it has any."""
        return ()

    @abstractmethod
    def networks(self, options: Any, own: Mapping[str, Any]) -> tuple[Network, ...]:
        """Networks with fresh weights; options: the section; own: Keras models of the user's by name."""


def bits_of(registers: FrontEndRegisters) -> int:
    """Bits of the converters in front of a network on wires, by its registers."""
    return PRESETS[str(registers["preset"])].adc_bits
