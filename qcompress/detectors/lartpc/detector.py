"""The liquid-argon time-projection chamber: regions of interest on wires, their codec, track or shower on images."""

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
    Results,
    Rows,
    SampleCard,
)
from qcompress.detectors.hdf5 import hdf5_format
from qcompress.detectors.lartpc.options import LiquidArgonOptions
from qcompress.detectors.lartpc.plugs import asked_for, plug_of
from qcompress.detectors.lartpc.simulation import fast_simulation
from qcompress.files import JsonObject
from qcompress.graph import Graph, Stage
from qcompress.progress import Report


class LiquidArgon(Detector):
    """Waveforms and true hits of wires; regions of interest or a codec of single wires, or tracks and showers."""

    name: ClassVar[str] = "lartpc"
    options: ClassVar[type[LiquidArgonOptions]] = LiquidArgonOptions
    kinds: ClassVar[tuple[str, ...]] = fast_simulation.KINDS
    score_labels: ClassVar[Mapping[str, str]] = {
        "auc": "area under the ROC curve",
        "efficiency_at_1_percent_fakes": "efficiency where 1 % of the windows of noise fire",
        "balanced": "balanced accuracy of hits",
        "accuracy": "accuracy of hits",
        "track": "tracks' hits that are right",
        "shower": "showers' hits that are right",
        "over_lossless": "compression over that of the best lossless code",
        "compression": "raw bits over sent bits",
    }
    more_scores: ClassVar[tuple[str, ...]] = (
        *("efficiency", "fakes", "shower_purity", "track_purity", "shower_iou", "track_iou"),
        *("charge_bias", "charge_shift", "charge_rms"),
    )
    shares: ClassVar[frozenset[str]] = frozenset(
        {*score_labels, *more_scores} - {"auc", "over_lossless", "compression"}
    )

    counted: ClassVar[str] = "hits"

    def simulate(self, kind: str, events: int, seed: int, path: Path, report: Report) -> None:
        fast_simulation.simulate(kind, events, seed, path, report)

    def owns(self, path: Path) -> bool:
        from qcompress.detectors.lartpc.samples import FORMAT

        return hdf5_format(path) == FORMAT

    def inspect(self, path: Path) -> Results:
        from qcompress.detectors.lartpc.samples import inspection

        return inspection.inspect(path)

    def import_sample(
        self, source: Path, target: Path, skip_bad_rows: bool, settings: Mapping[str, str], report: Report
    ) -> str:
        from qcompress.detectors.lartpc.exchange import files

        return files.import_file(source, target, skip_bad_rows, settings, report)

    def export_sample(self, sample: Path, target: Path, settings: Mapping[str, str]) -> str:
        from qcompress.detectors.lartpc.exchange import files

        return files.export_file(sample, target, settings)

    def card(self, path: Path) -> SampleCard:
        from qcompress.detectors.lartpc import samples

        with samples.Handle(path) as sample:
            hits = int(sample.events["hits"].sum())
            return SampleCard(hits, len(sample), sample.content_hash(), sample.split_hash())

    def rows(self, path: Path, front_end: FrontEndRegisters, network: str) -> Rows:
        return plug_of(front_end).rows(path, front_end)

    def front_end(self, options: Any) -> JsonObject:
        plug, section = asked_for(options)
        return plug.front_end(section)

    def preprocess(self, front_end: FrontEndRegisters, network: str, graphs: Mapping[str, Graph]) -> Stage:
        return plug_of(front_end).preprocess(front_end)

    def postprocess(self, front_end: FrontEndRegisters, network: str, graph: Graph) -> tuple[Stage, ...]:
        return plug_of(front_end).postprocess(front_end, graph)

    def networks(self, options: Any, own: Mapping[str, Any]) -> tuple[Network, ...]:
        plug, section = asked_for(options)
        return plug.networks(section, own)

    def emulate(
        self, firmware: Firmware, source: Path, target: Path, overrides: Mapping[str, Any], report: Report
    ) -> str:
        from qcompress.detectors.lartpc.evaluation.running import RUNS

        return RUNS[plug_of(firmware.front_end).name].emulate(firmware, source, target, report)

    def evaluate(self, firmware: Firmware, path: Path, decode: Decoders, wanted: Evaluation, report: Report) -> Results:
        from qcompress.detectors.lartpc.evaluation.running import RUNS

        run = RUNS[plug_of(firmware.front_end).name]
        return run.evaluate(firmware, path, decode, wanted.whole(self.name), report)


DETECTOR = LiquidArgon()
