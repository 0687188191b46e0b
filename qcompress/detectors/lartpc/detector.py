"""The liquid-argon time-projection chamber: waveforms of wires, regions of interest, track or shower."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from qcompress.detectors import (
    Decoders,
    Detector,
    Evaluation,
    Firmware,
    FrontEndRegisters,
    Network,
    NetworkSection,
    Results,
    Rows,
    SampleCard,
)
from qcompress.detectors.hdf5 import hdf5_format
from qcompress.detectors.lartpc.simulation import fast_simulation
from qcompress.errors import QcompressError
from qcompress.files import JsonObject
from qcompress.graph import Graph, Stage
from qcompress.progress import Report

NO_NETWORK = "detector lartpc has samples alone so far: no network"


class LiquidArgon(Detector):
    """Waveforms and true hits of wires."""

    name: ClassVar[str] = "lartpc"
    options: ClassVar[type[NetworkSection]] = NetworkSection
    kinds: ClassVar[tuple[str, ...]] = fast_simulation.KINDS

    def simulate(self, kind: str, events: int, seed: int, path: Path, report: Report) -> None:
        fast_simulation.simulate(kind, events, seed, path, report)

    def owns(self, path: Path) -> bool:
        from qcompress.detectors.lartpc.samples import FORMAT

        return hdf5_format(path) == FORMAT

    def inspect(self, path: Path) -> Results:
        from qcompress.detectors.lartpc.samples import inspection

        return inspection.inspect(path)

    def card(self, path: Path) -> SampleCard:
        from qcompress.detectors.lartpc import samples

        with samples.Handle(path) as sample:
            hits = int(sample.events["hits"].sum())
            return SampleCard(hits, len(sample), sample.content_hash(), sample.split_hash())

    def rows(self, path: Path, front_end: FrontEndRegisters, network: str) -> Rows:
        raise QcompressError(NO_NETWORK)

    def front_end(self, options: Any) -> JsonObject:
        raise QcompressError(NO_NETWORK)

    def preprocess(self, front_end: FrontEndRegisters, network: str, graphs: Mapping[str, Graph]) -> Stage:
        raise QcompressError(NO_NETWORK)

    def networks(self, options: Any, own: Mapping[str, Any]) -> tuple[Network, ...]:
        raise QcompressError(NO_NETWORK)

    def emulate(
        self, firmware: Firmware, source: Path, target: Path, overrides: Mapping[str, Any], report: Report
    ) -> str:
        raise QcompressError(NO_NETWORK)

    def evaluate(self, firmware: Firmware, path: Path, decode: Decoders, wanted: Evaluation, report: Report) -> Results:
        raise QcompressError(NO_NETWORK)


DETECTOR = LiquidArgon()
