"""Small liquid-argon events given by hand, of a chamber of 16 wires a plane and 64 ticks."""

from dataclasses import replace

import numpy as np

from qcompress.detectors.lartpc import presets, samples
from qcompress.detectors.lartpc.samples import reader

CHAMBER = presets.PRESETS["protodune-sp"]
SMALL = replace(CHAMBER, planes=tuple(replace(plane, wires=16) for plane in CHAMBER.planes), ticks=64)


def small(monkeypatch):
    """Readers take the small chamber for the whole one."""
    monkeypatch.setattr(reader, "CHAMBERS", {SMALL.name: SMALL})


def event(number=0, split=0, hits=True):
    """An event with two hits of one pixel each, a track's and a shower's, in the first plane; other codes are noise."""
    rng = np.random.default_rng(number)
    waveforms = {
        plane.name: rng.integers(800, 900, (plane.wires, SMALL.ticks)).astype(np.uint16) for plane in SMALL.planes
    }
    given = {
        "event": [number] * 2, "plane": [0, 0], "wire": [3, 4], "tick": [10, 20], "start": [10, 20], "end": [11, 21],
        "rms": [0, 0], "charge": [3000, 2000], "kind": [samples.TRACK, samples.SHOWER], "particle": [0, 1],
        "parent": [-1, -1], "pdg": [13, 11],
    }  # fmt: skip
    given |= {name: [1.5, 2.5] for name in ("x", "y", "z", "time", "dx", "dy", "dz", "energy")}
    parts = {
        part: {n: np.array(given[n] if hits else [], t) for n, t in samples.LAYOUT[part].items()}
        for part in samples.PARTS
    }
    return samples.Event(number, split, 1, (1.0, 2.0, 3.0), **parts, waveforms=waveforms)


def written(path, *events, waveforms=True):
    with samples.writing(path, SMALL, {"kind": "made up"}, waveforms) as writer:
        for one in events:
            writer.append(one if waveforms else replace(one, waveforms={}))
    return path
