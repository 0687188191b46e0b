"""What is done with a candidate of each network: a file emulated, a sample's test events scored."""

from dataclasses import replace
from pathlib import Path
from typing import Protocol

from qcompress.detectors import Decoders, Firmware, Results
from qcompress.progress import Report


class Runs(Protocol):
    """How a candidate of one network runs; arguments as those of the detector's methods."""

    def emulate(self, firmware: Firmware, source: Path, target: Path, report: Report) -> str:
        """Run on the file `source`, write `target`; returns one line."""

    def evaluate(self, firmware: Firmware, path: Path, decode: Decoders, most: int, report: Report) -> Results:
        """Scores on test events of the sample at `path`; most: rows at most."""


class RoiRuns:
    """Regions of interest on wires."""

    def emulate(self, firmware: Firmware, source: Path, target: Path, report: Report) -> str:
        from qcompress.detectors.lartpc.roi import emulation

        return emulation.emulate(firmware, source, target, report)

    def evaluate(self, firmware: Firmware, path: Path, decode: Decoders, most: int, report: Report) -> Results:
        from qcompress.detectors.lartpc.roi import results

        return results.evaluate(firmware, path, most, report)


class CodecRuns:
    """The codec of waveforms."""

    def emulate(self, firmware: Firmware, source: Path, target: Path, report: Report) -> str:
        from qcompress.detectors.lartpc.codec import emulation

        return emulation.emulate(firmware, source, target, report)

    def evaluate(self, firmware: Firmware, path: Path, decode: Decoders, most: int, report: Report) -> Results:
        from qcompress.detectors.lartpc.evaluation import codec_results

        return codec_results.evaluate(firmware, path, decode, most, report)


class ImageRuns:
    """Tracks and showers on images."""

    def emulate(self, firmware: Firmware, source: Path, target: Path, report: Report) -> str:
        from qcompress.detectors.lartpc.images import emulation

        return emulation.emulate(firmware, source, target, report)

    def evaluate(self, firmware: Firmware, path: Path, decode: Decoders, most: int, report: Report) -> Results:
        from qcompress.detectors.lartpc.evaluation import class_points, hit_results
        from qcompress.detectors.lartpc.images.models import UNET

        heard = class_points.listening(firmware)
        results = hit_results.evaluate(replace(firmware, chains={UNET: heard}), path, most, report)
        points = class_points.points_table(heard, firmware.front_end, path)
        return results if points is None else replace(results, tables=(*results.tables, points))


RUNS: dict[str, Runs] = {"roi": RoiRuns(), "codec": CodecRuns(), "images": ImageRuns()}
"""By name of the network."""
