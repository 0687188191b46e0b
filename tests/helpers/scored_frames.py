"""Maxima with scores and truth, drawn at random: what evaluations of TPC classifiers are tested with."""

import numpy as np

from qcompress.detectors.tpc.evaluation.scoring import Measured, Scored


def scored_frames(frames, maxima, seed):
    """Frames of so many maxima: a tenth each of fakes, clones and loopers, a truth cluster for each of the others."""
    rng = np.random.default_rng(seed)
    n = frames * maxima
    event = np.repeat(np.arange(frames), maxima)
    what = rng.random(n)
    noise, clone, looper = what < 0.1, (what >= 0.1) & (what < 0.2), (what >= 0.2) & (what < 0.3)
    label = np.where(noise, -1, np.where(clone | looper, 0, 1))
    row = rng.integers(0, 152, n)
    own = np.flatnonzero(label > 0)
    cluster = np.full(n, -1)
    cluster[own] = np.arange(len(own))
    place = Measured(rng.uniform(0, 60, n), rng.uniform(0, 120, n), rng.exponential(50, n))
    return Scored(
        event=event,
        occupancy=np.full(n, 0.2),
        row=row,
        kept=rng.random(n) < 0.95,
        score=rng.normal(1.5 * (label > 0), 1.0),
        label=label,
        noise=noise,
        clone=clone,
        cluster=cluster,
        classical=place,
        network=None,
        truth=Measured(*(column[own] for column in place)),
        track=np.where(label > 0, np.arange(n), -1),
        truth_event=event[own],
        truth_track=own,
        beam=np.ones(len(own), bool),
        truth_row=row[own],
        wanted=rng.random(len(own)) < 0.9,
        took=own,
        attached_classical=cluster,
        attached_network=cluster,
    )
