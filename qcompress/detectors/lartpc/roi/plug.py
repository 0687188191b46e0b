"""The network that finds regions of interest as a plug: registers, the stage in front, the decision behind."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from qcompress.detectors import FrontEndRegisters, Network, Rows
from qcompress.detectors.lartpc.network_plug import NetworkPlug, bits_of
from qcompress.detectors.lartpc.roi.models import RoiOptions
from qcompress.detectors.lartpc.roi.stages import Decision, clip
from qcompress.files import JsonObject
from qcompress.graph import Graph, Stage


class Roi(NetworkPlug):
    """Windows of single wires, signal or noise. Its keys stand in section `network` itself."""

    name: ClassVar[str] = "roi"

    def section(self, options: RoiOptions) -> RoiOptions:
        return options

    def owns(self, registers: FrontEndRegisters) -> bool:
        return "threshold" in registers

    def front_end(self, options: RoiOptions) -> JsonObject:
        return {name: getattr(options, name) for name in ("preset", "plane", "threshold", "windows")}

    def rows(self, path: Path, registers: FrontEndRegisters) -> Rows:
        from qcompress.detectors.lartpc.roi import rows

        return rows.rows(path, registers, bits_of(registers))

    def preprocess(self, registers: FrontEndRegisters) -> Stage:
        return clip(bits_of(registers))

    def postprocess(self, registers: FrontEndRegisters, graph: Graph) -> tuple[Stage, ...]:
        return (Decision(graph.output_format, float(str(registers["threshold"]))),)

    def networks(self, options: RoiOptions, own: Mapping[str, Any]) -> tuple[Network, ...]:
        from qcompress.detectors.lartpc.roi import models

        return models.build(options, own)
