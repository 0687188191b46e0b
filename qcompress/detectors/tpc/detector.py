"""The time-projection chamber: which charge maxima are clusters, and where."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from pydantic import Field

from qcompress.detectors import (
    Decoders,
    Detector,
    Evaluation,
    Firmware,
    FrontEndRegisters,
    Network,
    Options,
    Results,
    Rows,
    SampleCard,
)
from qcompress.detectors.hdf5 import hdf5_format
from qcompress.detectors.splits import split_events
from qcompress.detectors.tpc.networks.models import JUDGES, NetworkOptions
from qcompress.files import JsonObject
from qcompress.graph import Graph, Stage
from qcompress.progress import Report


class SimulateOptions(Options):
    """What names a sample instead of its kind."""

    occupancy: float | None = Field(None, description="how full, the share of cells that are read; instead of --sample")


class Tpc(Detector):
    """Digits of a sector to clusters: the classical finder's maxima, judged and measured by networks."""

    name: ClassVar[str] = "tpc"
    options: ClassVar[type[NetworkOptions]] = NetworkOptions
    kinds: ClassVar[tuple[str, ...]] = tuple(f"sector-{percent}pc" for percent in (5, 10, 20, 30, 40))
    """By the newest version of the simulation; `-v1` behind a name is by the first."""
    command_options: ClassVar[Mapping[str, type[Options]]] = {"simulate": SimulateOptions}
    score_labels: ClassVar[Mapping[str, str]] = {
        "auc": "area under the ROC curve",
        "attachment_efficiency": "attachment efficiency",
        "pad_rms_network": "rms of the centre [pads]",
        "time_rms_network": "rms of the centre [time bins]",
    }
    more_scores: ClassVar[tuple[str, ...]] = (
        *("efficiency", "fakes", "finder_attachment_efficiency", "saved_at_1_percent_loss", "saved_at_5_percent_loss"),
        *("pad_rms_classical", "time_rms_classical"),
    )
    shares: ClassVar[frozenset[str]] = frozenset(
        {"attachment_efficiency", "efficiency", "fakes", "finder_attachment_efficiency"}
        | {"saved_at_1_percent_loss", "saved_at_5_percent_loss"}
    )

    counted: ClassVar[str] = "digits"

    def simulate(self, kind: str, events: int, seed: int, path: Path, report: Report) -> None:
        from qcompress.detectors.tpc.simulation import fast_simulation

        fast_simulation.simulate(kind, events, seed, path, report)

    def kind_of(self, given: Mapping[str, Any]) -> str:
        from qcompress.detectors.tpc.simulation import kinds

        return kinds.kind_of(given["occupancy"])

    def owns(self, path: Path) -> bool:
        from qcompress.detectors.tpc.samples import FORMAT

        return hdf5_format(path) == FORMAT

    def inspect(self, path: Path) -> Results:
        from qcompress.detectors.tpc.samples import inspection

        return inspection.inspect(path)

    def simulated_split(self, events: int, seed: int) -> npt.NDArray[np.uint8]:
        return split_events(np.arange(events), seed)

    def split_of(self, path: Path) -> npt.NDArray[np.uint8]:
        from qcompress.detectors.tpc import samples

        with samples.Handle(path) as sample:
            return sample.events["split"].astype(np.uint8)

    def card(self, path: Path) -> SampleCard:
        from qcompress.detectors.tpc import samples

        with samples.Handle(path) as sample:
            digits = int(sample.events["digits"].sum())
            return SampleCard(digits, len(sample), sample.content_hash(), sample.split_hash())

    def rows(self, path: Path, front_end: FrontEndRegisters, network: str) -> Rows:
        from qcompress.detectors.tpc.networks import maxima

        return maxima.rows(path, maxima.layout_of(front_end))

    def front_end(self, options: Any) -> JsonObject:
        kept = ("window", "extras", "classical", "threshold", *(("log_charge",) if options.log_charge else ()))
        return {name: getattr(options, name) for name in kept}

    def preprocess(self, front_end: FrontEndRegisters, network: str, graphs: Mapping[str, Graph]) -> Stage:
        from qcompress.detectors.tpc.networks.maxima import layout_of
        from qcompress.detectors.tpc.networks.stages import CentreDivision

        return CentreDivision(layout_of(front_end))

    def postprocess(self, front_end: FrontEndRegisters, network: str, graph: Graph) -> tuple[Stage, ...]:
        from qcompress.detectors.tpc.networks.stages import Decision

        if network not in JUDGES:
            return ()
        return (Decision(graph.output_shape, graph.output_format, front_end["threshold"]),)

    def networks(self, options: Any, own: Mapping[str, Any]) -> tuple[Network, ...]:
        from qcompress.detectors.tpc.networks import models

        return models.build(options, own)

    def graph(self, name: str, model: Any, options: Any) -> Graph:
        if options.bits == "fixed":
            return super().graph(name, model, options)
        from qcompress.detectors.tpc.networks.stages import RATIO_FORMAT
        from qcompress.frontends import model_of

        return model_of(model).convert(name, RATIO_FORMAT).graph

    def emulate(
        self, firmware: Firmware, source: Path, target: Path, overrides: Mapping[str, Any], report: Report
    ) -> str:
        from qcompress.detectors.tpc.networks import emulation

        return emulation.emulate(firmware, source, target, overrides, report)

    def evaluate(self, firmware: Firmware, path: Path, decode: Decoders, wanted: Evaluation, report: Report) -> Results:
        from qcompress.detectors.tpc.evaluation import results

        return results.evaluate(firmware, path, wanted.whole(self.name), report, wanted.every)


DETECTOR = Tpc()
