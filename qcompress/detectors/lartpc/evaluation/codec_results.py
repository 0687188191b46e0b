"""Scores of a codec's integers on test events: sent bits, charges, waveforms, beside codes without a network."""

from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from qcompress.detectors import Cell, Decoders, Firmware, Results, Table
from qcompress.detectors.lartpc import samples
from qcompress.detectors.lartpc.codec import words
from qcompress.detectors.lartpc.codec.emulation import latents
from qcompress.detectors.lartpc.codec.models import CODEC, DECODER
from qcompress.detectors.lartpc.codec.windows import joined
from qcompress.detectors.lartpc.electronics import noise
from qcompress.detectors.lartpc.evaluation.codec_charges import Moments, charges, errors, pulses
from qcompress.detectors.lartpc.online import huffman
from qcompress.detectors.lartpc.online.difference_code import RAW_BITS, DifferenceCode
from qcompress.detectors.lartpc.online.regions import zero_suppress
from qcompress.detectors.lartpc.presets import PRESETS
from qcompress.detectors.lartpc.roi.rows import Waves, waves
from qcompress.detectors.lartpc.roi.stages import UNIT
from qcompress.detectors.provenance import provenance
from qcompress.detectors.splits import TEST
from qcompress.errors import QcompressError
from qcompress.progress import Report

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SIMULATION = "qcompress liquid-argon fast simulation"
SIGMA = 5.0
"""Least peak of a pulse whose charge is scored, over the noise."""
PEAKS = (SIGMA, 8.0, 15.0, 30.0, 60.0, np.inf)
"""Edges of the peak over the noise."""
SHOWN = 12.0
"""Peak over the noise of the pulse that is drawn, as near as there is one."""
REGION_BITS = 32
"""First tick and length of a region that zero suppression keeps."""
WIRE_BITS = 16
"""How many regions a wire has."""
CODEC_NAME, LOSSLESS = "codec", "made code"
Sent = dict[str, int]
Charges = npt.NDArray[np.float64]


class Scored(NamedTuple):
    """Sums over test events. bits: raw and by method; moments: errors of waveforms by method; peak: over the noise.

    true, measured: charges of pulses, measured ones by method; events, windows, kept: how many, kept with any latent.
    """

    bits: Sent
    moments: dict[str, Moments]
    peak: Charges
    true: Charges
    measured: dict[str, Charges]
    events: int
    windows: int
    kept: int
    shown: tuple[Any, ...]


def evaluate(firmware: Firmware, path: Path, decode: Decoders, most: int, report: Report) -> Results:
    """Tables, summary and a figure of the codec on waveforms of whole test events of the sample at `path`.

    firmware: its integers; decode: the decoder; most: test events until there are so many windows; report: told how
    many there are. Raises QcompressError if there are none.
    """
    scored = score(firmware, path, decode[DECODER], most, report)
    with samples.Handle(path) as sample:
        heading = provenance(sample.origin, path, SIMULATION, f"{scored.events} test events")
    raw, own = scored.bits["raw"], scored.bits[CODEC_NAME]
    bias, before = (scored.measured[name] / scored.true - 1 for name in (CODEC_NAME, "samples"))
    summary = {
        "over_lossless": scored.bits[LOSSLESS] / own,
        "compression": raw / own,
        "charge_bias": float(bias.mean()) if len(bias) else float("nan"),
        "charge_shift": float((bias - before).mean()) if len(bias) else float("nan"),
        "charge_rms": float(bias.std()) if len(bias) else float("nan"),
    }
    found = {name: value for name, value in summary.items() if np.isfinite(value)}
    return Results((bits_table(scored, heading), charge_table(scored)), found, {"pulse": figure(scored, heading)})


def score(firmware: Firmware, path: Path, decode: Callable[[Any], Any], most: int, report: Report) -> Scored:
    """Whole test events through the firmware, its words and the decoder, and through every other code."""
    front_end: Mapping[str, Any] = firmware.front_end
    parts: list[Scored] = []
    for found in waves(path, front_end, TEST):
        parts.append(_event(firmware, found, decode))
        count = sum(part.windows for part in parts)
        report(count, most, "windows")
        if count >= most:
            break
    if not parts:
        raise QcompressError(f"{path}: no test events; simulate more")
    return _together(parts)


def _together(parts: list[Scored]) -> Scored:
    first = parts[0]
    moments = dict(first.moments)
    for part in parts[1:]:
        moments = {name: own.plus(part.moments[name]) for name, own in moments.items()}
    return Scored(
        {name: sum(part.bits[name] for part in parts) for name in first.bits},
        moments,
        np.concatenate([part.peak for part in parts]),
        np.concatenate([part.true for part in parts]),
        {name: np.concatenate([part.measured[name] for part in parts]) for name in first.measured},
        len(parts),
        sum(part.windows for part in parts),
        sum(part.kept for part in parts),
        min((part.shown for part in parts), key=lambda shown: abs(shown[0] - SHOWN)),
    )


def _event(firmware: Firmware, found: Waves, decode: Callable[[Any], Any]) -> Scored:
    front_end: Mapping[str, Any] = firmware.front_end
    preset = PRESETS[str(front_end["preset"])]
    plane, count = preset.plane(str(front_end["plane"])), 1 << (preset.adc_bits - 12)
    sigma = noise.rms(preset, plane)
    codes, own = found.codes, latents(firmware, found.samples)
    data, sizes = words.encode(own, np.full(len(own), plane.baseline), int(front_end["order"]))
    back, _ = words.decode(data, sizes, int(front_end["order"]), *own.shape[1:])
    values = firmware.graphs[CODEC].output_format.to_values(back)
    decoded = decode(values.reshape(-1, own.shape[2])).reshape(*own.shape[:2], -1) * (UNIT * count)
    bits: Sent = {"raw": codes.size * preset.adc_bits, "fixed code": 16 * sum(map(len, huffman.encode(codes)))}
    lossless = DifferenceCode.of(codes)
    bits[LOSSLESS] = 8 * len(lossless.encode(codes)[0])
    given = {"samples": found.samples.astype(np.float32)}
    for name, threshold in (
        (f"zero suppression, |x| > {10 * count}", 10 * count),
        ("zero suppression, 5 sigma", SIGMA * sigma),
    ):
        given[name], bits[name] = _suppressed(found, lossless, int(threshold))
    given[CODEC_NAME] = np.asarray(joined(decoded, codes.shape[1]), np.float32)
    bits[CODEC_NAME] = 8 * len(data)
    pulse = pulses(found.clean, SIGMA * sigma, count)
    return Scored(
        bits,
        {name: errors(wave, found.clean, count) for name, wave in given.items()},
        pulse.peak / sigma,
        charges(found.clean, found.clean, pulse),
        {name: charges(wave, found.clean, pulse) for name, wave in given.items()},
        1,
        own.shape[0] * own.shape[1],
        int(own.any(axis=2).sum()),
        _shown(found, given[CODEC_NAME], pulse.wire, pulse.start, pulse.peak / sigma),
    )


def _suppressed(found: Waves, code: DifferenceCode, threshold: int) -> tuple[npt.NDArray[np.float32], int]:
    """What zero suppression leaves of an event's samples, and the bits that it sends: regions, the made code inside."""
    regions = zero_suppress(found.samples, threshold)
    mask = regions.mask(*found.samples.shape)
    place = np.diff(found.codes.astype(np.int64), axis=1, prepend=0)
    known = np.abs(place) <= code.reach
    length = np.where(known, code.lengths[np.where(known, place + code.reach, 0)], code.lengths[-1] + RAW_BITS)
    length[regions.channel, regions.start] = RAW_BITS
    bits = int(length[mask].sum()) + REGION_BITS * len(regions.channel) + WIRE_BITS * len(mask)
    return np.where(mask, found.samples, 0).astype(np.float32), bits


def _shown(
    found: Waves, decoded: npt.NDArray[np.float32], wire: Any, start: Any, peak: npt.NDArray[np.float64]
) -> tuple[Any, ...]:
    """Of the pulse whose peak is nearest to SHOWN: peak, first tick, samples, clean and decoded ones around it."""
    if not len(wire):
        return (float("inf"), 0, found.event, found.samples[0, :100], found.clean[0, :100], decoded[0, :100])
    place = int(np.abs(peak - SHOWN).argmin())
    first = max(int(start[place]) - 50, 0)
    part = (int(wire[place]), slice(first, first + 120))
    return (float(peak[place]), first, found.event, found.samples[part], found.clean[part], decoded[part])


def bits_table(scored: Scored, heading: str) -> Table:
    """Bits and errors of waveforms of every method; heading: of the sample."""
    lines: list[tuple[Cell, ...]] = []
    raw, samples_ = scored.bits["raw"], sum(scored.moments["samples"][::2])
    for name, sent in scored.bits.items():
        rms = scored.moments[name if name in scored.moments else "samples"].rms
        lines.append((name, sent / samples_, raw / sent, scored.bits[LOSSLESS] / sent, *rms))
    note = (
        f"{heading}; headers counted: 16 bits a wire, and of zero suppression 32 a region; the made code is that of "
        f"each event's own differences, its table not counted; the codec sends {scored.kept} of {scored.windows} "
        "windows; errors against clean samples, in pulses (clean samples of a count of 12 bits or more) and outside"
    )
    columns = ("", "bits a sample", "raw over sent", "over the made code", "rms in pulses [ADC]", "rms outside [ADC]")
    return Table("Bits", columns, tuple(lines), note)


def charge_table(scored: Scored) -> Table:
    """Errors of charges against the peak, by method, in per cent."""
    names = list(scored.measured)
    lines: list[tuple[Cell, ...]] = []
    for low, high in (*pairwise(PEAKS), (SIGMA, np.inf)):
        own = (scored.peak >= low) & (scored.peak < high)
        if not own.any():
            continue
        cells: list[Cell] = [f"{low:g} to {high:g}" if np.isfinite(high) else f"{low:g} and more", int(own.sum())]
        for name in names:
            error = 100 * (scored.measured[name][own] / scored.true[own] - 1)
            cells += [float(error.mean()), float(error.std())]
        lines.append(tuple(cells))
    columns = ["peak over noise", "pulses"]
    for name in names:
        columns += [f"{name}: bias [%]", f"{name}: rms [%]"]
    after, before = (scored.measured[name] / scored.true for name in (CODEC_NAME, "samples"))
    added = 100 * (after - before)
    note = (
        "relative error of each pulse's charge: mean and standard deviation; pulses of 5 sigma or more; the codec adds "
        f"{added.mean():.2f} +- {added.std() / np.sqrt(len(added)):.2f} % to the samples' own bias"
        if len(added)
        else "no pulses"
    )
    return Table("Charge", tuple(columns), tuple(lines), note)


def figure(scored: Scored, heading: str) -> "Figure":
    """A pulse as it was read out, as it was, and as it comes back; heading: of the sample."""
    from matplotlib.figure import Figure

    peak, first, event, read, clean, decoded = scored.shown
    drawn = Figure(figsize=(7, 4), layout="constrained")
    axes = drawn.subplots()
    ticks = first + np.arange(len(read))
    axes.plot(ticks, read, ".", color="0.6", label="samples less the pedestal")
    axes.plot(ticks, clean, color="C0", label="clean signal")
    axes.plot(ticks, decoded, color="C1", label="decoded")
    axes.set(xlabel="tick", ylabel="ADC counts")
    axes.legend(frameon=False)
    axes.set_title(f"{heading}, event {event}, peak {peak:.1f} sigma", fontsize=8)
    return drawn
