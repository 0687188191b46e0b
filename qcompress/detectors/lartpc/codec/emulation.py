"""Waveforms to latents by a candidate's integers."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from qcompress.detectors import Firmware
from qcompress.detectors.lartpc.codec.models import CODEC
from qcompress.detectors.lartpc.codec.windows import cut
from qcompress.detectors.lartpc.online.waveforms import condition
from qcompress.detectors.lartpc.presets import PRESETS
from qcompress.detectors.lartpc.roi.emulation import events
from qcompress.detectors.lartpc.roi.rows import Samples, pedestal_free
from qcompress.errors import QcompressError
from qcompress.files import written_aside
from qcompress.progress import Report

WIRES_AT_ONCE = 64


def emulate(firmware: Firmware, source: Path, target: Path, report: Report) -> str:
    """Waveforms (a sample, or .npy of one plane: wires x ticks) -> CSV of latents, by the firmware's integers.

    firmware: the candidate's; source: the waveforms; target: the CSV; report: told how many events are done. A line for
    each window whose latents are not all 0: event, wire, first tick, latents. Dead and saturated wires are passed over
    and counted. Returns a line of counts; raises QcompressError if source and target are one file.
    """
    if target.resolve() == source.resolve():
        raise QcompressError(f"{target}: is the input itself; give another output file")
    front_end: Mapping[str, Any] = firmware.front_end
    preset, kept, seen, masked = PRESETS[str(front_end["preset"])], 0, 0, 0
    plane, count = preset.plane(str(front_end["plane"])), firmware.graphs[CODEC].output_shape[0]
    with written_aside(target) as file:
        file.write((",".join(["event", "wire", "start", *(f"latent_{n}" for n in range(count))]) + "\n").encode())
        for done, (event, codes) in enumerate(events(source, front_end), 1):
            state = condition(codes, preset.adc_bits)
            found = latents(firmware, pedestal_free(codes, plane))
            sent = found.any(axis=2) & ~state.masked[:, None]
            wire, window = np.nonzero(sent)
            columns = [np.full(len(wire), event), wire, window * int(front_end["ticks"]), *found[wire, window].T]
            np.savetxt(file, np.column_stack(columns), "%d", ",")
            kept, seen, masked = kept + len(wire), seen + sent.size, masked + int(state.masked.sum())
            report(done, done, f"{kept} windows")
    share = 100 * kept / max(seen, 1)
    return f"latents of {kept} windows, {share:.2f} % of all, {masked} wires masked, written to {target}"


def latents(firmware: Firmware, waves: Samples) -> npt.NDArray[np.int64]:
    """Latents (wires, windows, count) of samples less their pedestals, `waves` (wires, ticks), by the firmware."""
    windows = cut(waves, int(str(firmware.front_end["ticks"])))
    parts = []
    for wire in range(0, len(windows), WIRES_AT_ONCE):
        own = windows[wire : wire + WIRES_AT_ONCE]
        found = firmware.network_codes(CODEC, own.reshape(-1, own.shape[2]).astype(np.int64))
        parts.append(found.reshape(len(own), own.shape[1], -1))
    return np.concatenate(parts)
