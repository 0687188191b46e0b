"""Sector frames of a few digits given one by one."""

import numpy as np

from qcompress.detectors.tpc import samples

DIGITS = [(0, 3, 7, 10.0), (0, 3, 8, 4.5), (0, 4, 7, 1.0), (63, 75, 99, 950.0), (151, 137, 0, 3.25)]


def frame(event=0, digits=DIGITS, split=0):
    """A frame of 100 time bins with these digits, and a truth cluster and a track."""
    table = np.array(digits, float).reshape(-1, 4)
    columns = {name: table[:, k] for k, name in enumerate(("row", "pad", "time", "charge"))}
    given = {"event": event, "sector": 5, "track": 0, "share": 0.5}
    columns |= {name: np.full(len(table), value) for name, value in given.items()}
    parts = {
        part: {name: np.full(1, event if name == "event" else 1.0) for name in samples.LAYOUT[part]}
        for part in ("clusters", "tracks")
    }
    return samples.Frame(event, 5, 100, len(table) / 1000, split, 1, columns, **parts)


def written(path, *frames):
    with samples.writing(path, {"kind": "made up"}) as writer:
        for one in frames:
            writer.append(one)
    return path
