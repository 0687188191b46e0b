"""Frames of a few stiff tracks among noise, as evaluations of tracks see them."""

import numpy as np

from qcompress.detectors.tpc import geometry
from qcompress.detectors.tpc.evaluation.scoring import Measured, Scored


def straight_tracks(frames, tracks, noise, seed):
    """Almost straight tracks through all rows, residuals of .1 pad and time bin; `noise` clusters anywhere."""
    rng = np.random.default_rng(seed)
    rows = np.arange(geometry.ROWS)
    parts = []
    for event in range(frames):
        for track in range(tracks):
            angle = rng.uniform(-0.1, 0.1)
            y = geometry.ROW_X_CM * np.tan(angle)
            pad = y / geometry.PAD_WIDTH_CM + geometry.PADS / 2 - 0.5 + rng.normal(0, 0.1, len(rows))
            time = 20 + 14 * track + 0.05 * (geometry.ROW_X_CM - 85) + rng.normal(0, 0.1, len(rows))
            parts.append(np.stack([np.full(len(rows), event), rows, pad, time, np.full(len(rows), track)]))
        row = rng.integers(0, geometry.ROWS, noise)
        pad, time = rng.random(noise) * geometry.PADS[row], rng.uniform(0, 128, noise)
        parts.append(np.stack([np.full(noise, event), row, pad, time, np.full(noise, -1)]))
    event, row, pad, time, track = np.concatenate(parts, axis=1)
    n, own = len(event), np.flatnonzero(track >= 0)
    cluster = np.full(n, -1)
    cluster[own] = np.arange(len(own))
    place = Measured(pad, time, np.full(n, 50.0))
    whole = {name: column.astype(int) for name, column in (("event", event), ("row", row), ("track", track))}
    return Scored(
        **whole,
        occupancy=np.full(n, 0.2),
        kept=np.ones(n, bool),
        score=np.where(track >= 0, rng.normal(2, 1, n), rng.normal(-2, 1, n)),
        label=np.where(track >= 0, 1, -1),
        noise=track < 0,
        clone=np.zeros(n, bool),
        cluster=cluster,
        classical=place,
        network=None,
        truth=Measured(*(column[own] for column in place)),
        truth_event=whole["event"][own],
        truth_row=whole["row"][own],
        truth_track=whole["track"][own],
        beam=np.ones(len(own), bool),
        wanted=np.ones(len(own), bool),
        took=own,
        attached_classical=cluster,
        attached_network=cluster,
    )
