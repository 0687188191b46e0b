"""Trigger primitives as records of 24 bytes, as DUNE's data acquisition has them: version 2 of its struct.

Three words of 64 bits, little endian, fields from the lowest bit of each on, as GCC and Clang lay them out:

    version 8, flag 8, detid 8, channel 24, samples over threshold 16
    time of the start 64, in ticks of the timing system
    samples to the peak 16, integral 32 [ADC counts], peak 16 [ADC counts]

Source: `TriggerPrimitive.hpp` of DUNE-DAQ/trgdataformats (struct version 2), `DetID.hpp` of DUNE-DAQ/detdataformats
(detid 3: a TPC with horizontal drift), `Types.hpp` (clocks: 50 MHz in ProtoDUNE-SP, 62.5 MHz in the far detector).

A record knows no event: events follow each other, a read-out window each. Channels are numbered through the planes.
"""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from qcompress.detectors.lartpc import samples
from qcompress.detectors.lartpc.online.primitives import Finder, Primitives, Settings, find
from qcompress.detectors.lartpc.presets import Preset
from qcompress.errors import QcompressError
from qcompress.files import written_aside

VERSION, HD_TPC = 2, 3
RECORD_BYTES = 24
FIELDS: dict[str, tuple[int, int, int]] = {
    "version": (0, 0, 8),
    "flag": (0, 8, 8),
    "detid": (0, 16, 8),
    "channel": (0, 24, 24),
    "samples_over_threshold": (0, 48, 16),
    "time_start": (1, 0, 64),
    "samples_to_peak": (2, 0, 16),
    "adc_integral": (2, 16, 32),
    "adc_peak": (2, 48, 16),
}
"""Word, lowest bit and bits of each field."""
DTYPE = np.dtype(
    [("version", "u1"), ("flag", "u1"), ("detid", "u1"), ("channel", "<u4"), ("samples_over_threshold", "<u2"),
     ("time_start", "<u8"), ("samples_to_peak", "<u2"), ("adc_integral", "<u4"), ("adc_peak", "<u2")]
)  # fmt: skip
"""The same fields side by side, in a structured array."""
CLOCK_TICKS = {"protodune-sp": 25, "dune-hd": 32}
"""Of the timing system in a sample of the converter."""
Records = npt.NDArray[np.void]


def packed(records: Records) -> bytes:
    """Records (n,) of DTYPE as bytes; raises QcompressError for a value that its bits do not hold."""
    words = np.zeros((len(records), 3), "<u8")
    for name, (word, low, bits) in FIELDS.items():
        values = records[name].astype(np.uint64)
        if bits < 64 and (values >> np.uint64(bits)).any():
            raise QcompressError(f"trigger primitives: {name} {values.max()} does not fit into {bits} bits")
        words[:, word] |= values << np.uint64(low)
    return words.tobytes()


def unpacked(data: bytes) -> Records:
    """Records (n,) of DTYPE from bytes; raises QcompressError for a cut record and for another version."""
    if len(data) % RECORD_BYTES:
        raise QcompressError(f"{len(data)} bytes are no whole records of {RECORD_BYTES}; the file is cut")
    words = np.frombuffer(data, "<u8").reshape(-1, 3)
    records = np.zeros(len(words), DTYPE)
    for name, (word, low, bits) in FIELDS.items():
        records[name] = (words[:, word] >> np.uint64(low)) & np.uint64((1 << bits) - 1)
    if (other := records["version"] != VERSION).any():
        row = int(other.argmax())
        raise QcompressError(
            f"record {row} is of version {records['version'][row]}; those of version {VERSION} are read"
        )
    return records


def read(path: Path) -> Records:
    """Records of the file at `path`; raises QcompressError if it cannot be read, is cut or of another version."""
    try:
        return unpacked(path.read_bytes())
    except OSError as fault:
        raise QcompressError(f"{path}: cannot be read ({fault.strerror})") from None
    except QcompressError as fault:
        raise QcompressError(f"{path}: {fault}") from None


def records_of(found: Primitives, place: int, first_channel: int, preset: Preset) -> Records:
    """Records of primitives that were found on one plane of the event at a place of its sample.

    first_channel: number of the plane's first wire; preset: the chamber. Raises QcompressError for a value that the
    bits of its field do not hold.
    """
    clock = CLOCK_TICKS[preset.name]
    records = np.zeros(len(found.channel), DTYPE)
    records["version"], records["detid"] = VERSION, HD_TPC
    given = {
        "channel": found.channel + first_channel,
        "samples_over_threshold": found.length,
        "time_start": (place * preset.ticks + found.start) * clock,
        "samples_to_peak": found.peak_time - found.start,
        "adc_integral": found.total,
        "adc_peak": found.peak,
    }
    for name, values in given.items():
        bits = FIELDS[name][2]
        if (other := (values < 0) | (values > (1 << min(bits, 63)) - 1)).any():
            raise QcompressError(f"trigger primitives: {name} {values[other][0]} does not fit into {bits} bits")
        records[name] = values
    return records


def of_sample(sample: Path, finder: Finder) -> Records:
    """Records of all events and planes of the `sample`, in order of time; finder: with the read-out's thresholds.

    Raises QcompressError for a sample without waveforms, and of a chamber that has no such records.
    """
    parts: list[Records] = [np.zeros(0, DTYPE)]
    with samples.Handle(sample) as handle:
        preset = handle.preset
        if preset.name not in CLOCK_TICKS or not handle.planes:
            missing = "has no waveforms" if preset.name in CLOCK_TICKS else f"is of {preset.name}, no chamber of DUNE's"
            raise QcompressError(f"{sample}: {missing}; no trigger primitives are found")
        for place in handle.places():
            first = 0
            for plane in preset.planes:
                found = find(handle.waveforms(place, plane.name), Settings.of(finder, preset, plane)).primitives
                parts.append(records_of(found, place, first, preset))
                first += plane.wires
    records = np.concatenate(parts)
    return records[np.argsort(records["time_start"], kind="stable")]


def export(sample: Path, target: Path, finder: Finder) -> str:
    """Write the trigger primitives of a `sample`: packed, or a structured array where `target` ends in .npy.

    finder: with the read-out's thresholds. Returns a line of counts.
    """
    records = of_sample(sample, finder)
    with written_aside(target) as file:
        if target.suffix == ".npy":
            np.save(file, records)
        else:
            file.write(packed(records))
    return f"{len(records)} trigger primitives ({finder}, version {VERSION}) in {target}"
