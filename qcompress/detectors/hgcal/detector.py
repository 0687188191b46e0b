"""HGCAL: the ECON-T encoder in its detector."""

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
    NetworkSection,
    Options,
    Results,
    Rows,
    SampleCard,
)
from qcompress.detectors.hdf5 import hdf5_format
from qcompress.detectors.hgcal.encoder.options import EncoderOptions
from qcompress.detectors.hgcal.samples.selections import Selection
from qcompress.detectors.splits import split_events
from qcompress.errors import QcompressError
from qcompress.files import JsonObject
from qcompress.fixedpoint import Overflow
from qcompress.graph import Graph, Stage
from qcompress.progress import Report


class EmulateOptions(Options):
    """Registers that `emulate` may replace."""

    tc_order: str | None = Field(None, description="trigger cells in a word, msb or lsb (default: the candidate's)")


class Hgcal(Detector):
    """The high-granularity calorimeter's trigger path: 48 trigger cells of a module to 16 latents."""

    name: ClassVar[str] = "hgcal"
    options: ClassVar[type[NetworkSection]] = EncoderOptions
    selection: ClassVar[type[Options] | None] = Selection
    kinds: ClassVar[tuple[str, ...]] = (
        *(f"{signal}-{pile_up}pu" for signal in ("electron", "photon", "ttbar") for pile_up in (0, 140, 200)),
        *("minbias-140pu", "minbias-200pu", "electron-0pu-axis", "electron-200pu-axis", "minbias-200pu-axis"),
        "electron-200pu-mixed",
    )

    command_options: ClassVar[Mapping[str, type[Options]]] = {"emulate": EmulateOptions}
    imports: ClassVar[tuple[str, ...]] = ("", ".csv", ".txt", ".root", ".parquet", ".h5", ".hdf5")
    score_labels: ClassVar[Mapping[str, str]] = {
        "emd_mean": "mean EMD [half trigger-cell pitch]",
        "emd_median": "median EMD [half trigger-cell pitch]",
    }
    more_scores: ClassVar[tuple[str, ...]] = ("emd_median",)

    def owns(self, path: Path) -> bool:
        from qcompress.detectors.hgcal.samples.layout import FORMAT

        return hdf5_format(path) == FORMAT

    def simulate(self, kind: str, events: int, seed: int, path: Path, report: Report) -> None:
        from qcompress.detectors.hgcal.simulation import fast_simulation

        fast_simulation.simulate(kind, events, seed, path, report)

    def simulate_selected(self, kind: str, events: int, seed: int, cuts: Any, path: Path, report: Report) -> None:
        from qcompress.detectors.hgcal.samples import selections
        from qcompress.detectors.hgcal.simulation import fast_simulation

        fast_simulation.simulate(kind, events, seed, path, report, selections.parse(cuts, "selection"))

    def inspect(self, path: Path) -> Results:
        from qcompress.detectors.hgcal.samples import inspection

        return inspection.inspect(path)

    def import_sample(
        self, source: Path, target: Path, skip_bad_rows: bool, settings: Mapping[str, str], report: Report
    ) -> str:
        from qcompress.detectors.hgcal.exchange import files

        found = files.import_file(source, target, skip_bad_rows, settings, report)
        left_out = f"; {found.dropped} bad rows left out, the first: {found.first_fault}" if found.dropped else ""
        return f"{found.rows} rows in {target}{left_out}"

    def export_sample(self, sample: Path, target: Path, settings: Mapping[str, str]) -> str:
        from qcompress.detectors.hgcal.exchange import files

        return files.export_file(sample, target, settings)

    def select(self, source: Path, target: Path, cuts: Any, report: Report) -> str:
        from qcompress.detectors.hgcal import samples
        from qcompress.detectors.hgcal.samples import selections

        found = selections.select(source, target, selections.parse(cuts, "selection"), report)
        counts = ", ".join(f"{name}: {count}" for name, count in found.items())
        return f"{target} and {samples.card_path(target).name}; {counts}"

    def simulated_split(self, events: int, seed: int) -> npt.NDArray[np.uint8]:
        return split_events(np.arange(events), seed)

    def split_of(self, path: Path) -> npt.NDArray[np.uint8]:
        from qcompress.detectors.hgcal import samples

        with samples.Handle(path) as handle:
            return handle.events()[:, 1].astype(np.uint8)

    def card(self, path: Path) -> SampleCard:
        from qcompress.detectors.hgcal import samples

        with samples.Handle(path) as sample:
            return SampleCard(sample.rows, len(sample.events()), sample.content_hash(), sample.split_hash())

    def rows(self, path: Path, front_end: FrontEndRegisters, network: str) -> Rows:
        from qcompress.detectors.hgcal.encoder import training

        return training.rows(path, front_end)

    def front_end(self, options: Any) -> JsonObject:
        from qcompress.detectors.hgcal.econt.frontend import OF_MODULES, FrontEnd
        from qcompress.detectors.hgcal.module import geometry

        own = {OF_MODULES: options.calibration} if options.calibration != "one" else {}
        return FrontEnd.autoencoder(geometry.AE_CHANNEL.tolist()).to_mapping() | own

    def preprocess(self, front_end: FrontEndRegisters, network: str, graphs: Mapping[str, Graph]) -> Stage:
        from qcompress.detectors.hgcal.econt.frontend import FrontEnd
        from qcompress.detectors.hgcal.encoder.stages import Normaliser

        return Normaliser(FrontEnd.from_mapping(front_end))

    def postprocess(self, front_end: FrontEndRegisters, network: str, graph: Graph) -> tuple[Stage, ...]:
        from qcompress.detectors.hgcal.encoder.stages import LatentWords

        if graph.output_format.signed:
            raise QcompressError(f"{network} gives latents of {graph.output_format}; links carry unsigned ones")
        return (LatentWords(graph.output_shape, graph.output_format),)

    def networks(self, options: Any, own: Mapping[str, Any]) -> tuple[Network, ...]:
        from qcompress.detectors.hgcal.encoder import models

        return (models.build(options, own.get(models.ENCODER)),)

    def graph(self, name: str, model: Any, options: Any) -> Graph:
        from qcompress.detectors.hgcal.econt.weights import EncoderWeights
        from qcompress.detectors.hgcal.encoder.arithmetic import deployed_graph

        if options.bits == "learned":
            from qcompress.detectors.hgcal.econt.frontend import IMAGE_FORMAT
            from qcompress.frontends import model_of

            return model_of(model).convert(name, IMAGE_FORMAT).graph
        if options.arithmetic == "post_training":
            layers = (model.get_layer("convolution"), model.get_layer("dense"))
            weights = EncoderWeights.from_floats(*(each for layer in layers for each in layer.get_weights()))
        else:
            exact = super().graph(name, model, options)
            if options.arithmetic == "exact":
                return exact
            weights = EncoderWeights.from_graph(exact)
        return deployed_graph(weights, options.latent_bits, Overflow(options.overflow))

    def keras_is_body(self, options: Any) -> bool:
        return options.arithmetic in {"exact", "econt"}

    def emulate(
        self, firmware: Firmware, source: Path, target: Path, overrides: Mapping[str, Any], report: Report
    ) -> str:
        from qcompress.detectors.hgcal.encoder import emulation

        return emulation.emulate(firmware, source, target, overrides, report)

    def evaluate(self, firmware: Firmware, path: Path, decode: Decoders, wanted: Evaluation, report: Report) -> Results:
        from qcompress.detectors.hgcal.evaluation import results

        return results.evaluate(firmware, path, decode, wanted, report)

    def check_apart(self, sample: Path, trained: Path, every: bool = False) -> None:
        from qcompress.detectors.hgcal.evaluation import apart

        apart.check_apart(sample, trained, every)


DETECTOR = Hgcal()
