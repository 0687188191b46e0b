"""Waveforms to regions of interest by a candidate's integers."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from qcompress.detectors import Firmware, FrontEndRegisters
from qcompress.detectors.lartpc import samples
from qcompress.detectors.lartpc.online import waveform_files
from qcompress.detectors.lartpc.online.waveforms import condition
from qcompress.detectors.lartpc.presets import PRESETS
from qcompress.detectors.lartpc.roi import windows
from qcompress.detectors.lartpc.roi.models import ROI
from qcompress.detectors.lartpc.roi.rows import Samples, pedestal_free, plane_of
from qcompress.detectors.lartpc.roi.stages import DECISION
from qcompress.errors import QcompressError
from qcompress.files import written_aside
from qcompress.progress import Report

COLUMNS = ("event", "wire", "start", "stop")
WIRES_AT_ONCE = 64


def emulate(firmware: Firmware, source: Path, target: Path, report: Report) -> str:
    """Waveforms (a sample, or .npy of one plane: wires x ticks) -> CSV of regions, by the firmware's integers.

    firmware: the candidate's; source: the waveforms; target: the CSV; report: told how many events are done. A region
    is what windows that are kept cover without a gap, [start, stop) ticks of a wire. Dead and saturated wires are
    passed over and counted. Returns a line of counts; raises QcompressError if source and target are one file.
    """
    if target.resolve() == source.resolve():
        raise QcompressError(f"{target}: is the input itself; give another output file")
    front_end, found, kept, seen, masked = firmware.front_end, 0, 0, 0, 0
    preset = PRESETS[str(front_end["preset"])]
    with written_aside(target) as file:
        file.write((",".join(COLUMNS) + "\n").encode())
        for done, (event, codes) in enumerate(events(source, front_end), 1):
            state = condition(codes, preset.adc_bits)
            mask = kept_ticks(firmware, pedestal_free(codes, preset.plane(str(front_end["plane"]))))
            mask[state.masked] = False
            wire, start, stop = runs(mask)
            np.savetxt(file, np.column_stack([np.full(len(wire), event), wire, start, stop]), "%d", ",")
            found, kept, seen = found + len(wire), kept + int(mask.sum()), seen + mask.size
            masked += int(state.masked.sum())
            report(done, done, f"{found} regions")
    share = 100 * kept / max(seen, 1)
    return f"{found} regions with {share:.2f} % of the ticks, {masked} wires masked, written to {target}"


def kept_ticks(firmware: Firmware, waves: Samples) -> npt.NDArray[np.bool_]:
    """Ticks (wires, ticks) that the firmware keeps of samples less their pedestal, `waves` (wires, ticks)."""
    first = windows.starts(waves.shape[1])
    kept = np.empty((len(waves), len(first)), np.bool_)
    for wire in range(0, len(waves), WIRES_AT_ONCE):
        part = waves[wire : wire + WIRES_AT_ONCE]
        cut = np.stack([part[:, start : start + windows.TICKS] for start in first], axis=1)
        decided = firmware.chains[ROI].run(cut.reshape(-1, windows.TICKS, 1).astype(np.int64))[DECISION]
        kept[wire : wire + WIRES_AT_ONCE] = decided.reshape(len(part), -1) == 1
    return windows.mask(first, kept, waves.shape[1])


def events(path: Path, front_end: FrontEndRegisters) -> Iterator[tuple[int, npt.NDArray[np.uint16]]]:
    """Number and codes (wires, ticks) of each event in the file at `path`, a sample or .npy; front_end: whose plane."""
    if path.suffix == ".npy":
        yield 0, waveform_files.read(path)
        return
    with samples.Handle(path) as sample:
        plane = plane_of(sample, front_end)
        for place in sample.places():
            yield int(sample.events["event"][place]), sample.waveforms(place, plane.name)


def runs(mask: npt.NDArray[np.bool_]) -> tuple[npt.NDArray[np.int64], ...]:
    """Wire, first tick and end (n,) of the runs of True in a `mask` (wires, ticks)."""
    edges = np.diff(mask.astype(np.int8), axis=1, prepend=0, append=0)
    wire, start = np.nonzero(edges > 0)
    return wire, start, np.nonzero(edges < 0)[1]
