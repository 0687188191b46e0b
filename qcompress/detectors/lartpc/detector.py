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
from qcompress.detectors.lartpc.codec.plug import is_of_codec
from qcompress.detectors.lartpc.images.plug import is_of_images
from qcompress.detectors.lartpc.options import LiquidArgonOptions
from qcompress.detectors.lartpc.presets import PRESETS
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
        if is_of_images(front_end):
            from qcompress.detectors.lartpc.images import rows as images

            return images.rows(path, front_end)
        if is_of_codec(front_end):
            from qcompress.detectors.lartpc.codec import rows as codec

            return codec.rows(path, front_end, bits_of(front_end))
        from qcompress.detectors.lartpc.roi import rows

        return rows.rows(path, front_end, bits_of(front_end))

    def front_end(self, options: Any) -> JsonObject:
        if options.images is not None:
            from qcompress.detectors.lartpc.images import plug

            return plug.front_end(options.images)
        if options.codec is not None:
            from qcompress.detectors.lartpc.codec import plug as codec

            return codec.front_end(options.codec)
        return {name: getattr(options, name) for name in ("preset", "plane", "threshold", "windows")}

    def preprocess(self, front_end: FrontEndRegisters, network: str, graphs: Mapping[str, Graph]) -> Stage:
        if is_of_images(front_end):
            from qcompress.detectors.lartpc.images import plug

            return plug.preprocess(front_end)
        if is_of_codec(front_end):
            from qcompress.detectors.lartpc.codec import plug as codec

            return codec.preprocess(front_end)
        from qcompress.detectors.lartpc.roi.stages import clip

        return clip(bits_of(front_end))

    def postprocess(self, front_end: FrontEndRegisters, network: str, graph: Graph) -> tuple[Stage, ...]:
        if is_of_images(front_end):
            from qcompress.detectors.lartpc.images import plug

            return plug.postprocess(graph)
        if is_of_codec(front_end):
            return ()
        from qcompress.detectors.lartpc.roi.stages import Decision

        return (Decision(graph.output_format, float(str(front_end["threshold"]))),)

    def networks(self, options: Any, own: Mapping[str, Any]) -> tuple[Network, ...]:
        if options.images is not None:
            from qcompress.detectors.lartpc.images import models as images

            return images.build(options.images, own)
        if options.codec is not None:
            from qcompress.detectors.lartpc.codec import models as codec

            return codec.build(options.codec, own)
        from qcompress.detectors.lartpc.roi import models

        return models.build(options, own)

    def emulate(
        self, firmware: Firmware, source: Path, target: Path, overrides: Mapping[str, Any], report: Report
    ) -> str:
        if is_of_images(firmware.front_end):
            from qcompress.detectors.lartpc.images import emulation as images

            return images.emulate(firmware, source, target, report)
        if is_of_codec(firmware.front_end):
            from qcompress.detectors.lartpc.codec import emulation as codec

            return codec.emulate(firmware, source, target, report)
        from qcompress.detectors.lartpc.roi import emulation

        return emulation.emulate(firmware, source, target, report)

    def evaluate(self, firmware: Firmware, path: Path, decode: Decoders, wanted: Evaluation, report: Report) -> Results:
        if is_of_images(firmware.front_end):
            from qcompress.detectors.lartpc.evaluation import hit_results

            return hit_results.evaluate(firmware, path, wanted.whole(self.name), report)
        if is_of_codec(firmware.front_end):
            from qcompress.detectors.lartpc.evaluation import codec_results

            return codec_results.evaluate(firmware, path, decode, wanted.whole(self.name), report)
        from qcompress.detectors.lartpc.roi import results

        return results.evaluate(firmware, path, wanted.whole(self.name), report)


def bits_of(front_end: FrontEndRegisters) -> int:
    """Bits of the converters in front of a network, by its registers, `front_end`."""
    return PRESETS[str(front_end["preset"])].adc_bits


DETECTOR = LiquidArgon()
