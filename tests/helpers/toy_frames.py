"""Small sector frames without a simulation: straight tracks of Gaussian clusters, noise on some cells, exact truth."""

from pathlib import Path

import numpy as np

from qcompress.detectors.tpc.geometry import PADS, ROWS
from qcompress.detectors.tpc.samples import Frame, writing

TIMES = 40


def frame(event: int, split: int, tracks: int, rows: range = range(ROWS), noise: float = 0.01) -> Frame:
    """Tracks through some rows; every eighth is called a looper."""
    rng = np.random.default_rng([7, event])
    charge = np.zeros((ROWS, int(PADS.max()), TIMES), np.float64)
    best, share = np.full(charge.shape, -1), np.zeros(charge.shape)
    truth = []
    for track in range(tracks):
        place, slope = rng.uniform(0.05, 0.95, 2), rng.normal(0, 0.01, 2)
        for row in rows:
            pad = (place[0] + slope[0] * (row - 76) / 76) * (PADS[row] - 1)
            time = (place[1] + slope[1] * (row - 76) / 76) * (TIMES - 1)
            if not (1 <= pad < PADS[row] - 1 and 1 <= time < TIMES - 1):
                continue
            sigma, size = rng.uniform(0.5, 0.8, 2), rng.exponential(60) + 10
            p, t = np.arange(PADS[row])[:, None], np.arange(TIMES)[None]
            own = np.exp(-(((p - pad) / sigma[0]) ** 2 + ((t - time) / sigma[1]) ** 2) / 2)
            own *= size / own.sum()
            total, (mp, mt) = own.sum(), ((own * x).sum() / own.sum() for x in (p, t))
            widths = [np.sqrt((own * (x - m) ** 2).sum() / total) for x, m in ((p, mp), (t, mt))]
            looper = track % 8 == 7
            truth.append((row, track, mp, mt, *widths, total, own.max(), looper, total >= 5 and own.max() >= 3))
            view = (row, slice(0, PADS[row]))
            charge[view] += own
            larger = own > share[view]
            best[view] = np.where(larger, track, best[view])
            share[view] = np.where(larger, own, share[view])
    cells = np.arange(charge.shape[1])[None, :, None] < PADS[:, None, None]
    loud = cells & (rng.random(charge.shape) < noise)
    charge += np.where(loud, rng.exponential(3, charge.shape), 0)
    read = np.nonzero(charge * cells >= 2)
    kept = np.floor(charge[read] * 16) / 16
    columns = {"event": np.full(len(kept), event), "sector": np.full(len(kept), 4), "charge": np.minimum(kept, 950)}
    columns |= dict(zip(("row", "pad", "time"), read, strict=True))
    columns["track"] = np.where(share[read] > kept / 2, best[read], -1)
    columns["share"] = share[read] / np.maximum(kept, share[read])
    names = ("row", "track", "pad", "time", "sigma_pad", "sigma_time", "qtot", "qmax", "looper", "findable")
    clusters = {name: np.array(column) for name, column in zip(names, zip(*truth, strict=True), strict=True)}
    clusters |= {name: np.zeros(len(truth)) for name in ("dpad_drow", "dtime_drow")}
    clusters["event"] = np.full(len(truth), event)
    none = {name: np.zeros(0) for name in ("event", "track", "pt", "tan_lambda", "phi", "looper")}
    none |= {name: np.zeros(0) for name in ("dpad_drow", "dtime_drow")}
    occupancy = len(kept) / (PADS.sum() * TIMES)
    return Frame(event, 4, TIMES, occupancy, split, 0, columns, clusters, none)


def write_sample(path: Path, events: int = 6, tracks: int = 20, rows: range = range(ROWS)) -> Path:
    """Frames of every part of the split in turn."""
    with writing(path, {"toy": True}) as writer:
        for event in range(events):
            writer.append(frame(event, event % 3, tracks, rows))
    return path
