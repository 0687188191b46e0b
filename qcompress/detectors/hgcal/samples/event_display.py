"""Single events of a sample as a piece of a page that a person can leaf through: all layers, and one module.

The page draws on the reader's side, from the codes of the modules: plain JavaScript, nothing from outside.
"""

import base64
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from qcompress.detectors.hgcal import samples
from qcompress.detectors.hgcal.econt.numbers import Density, decode
from qcompress.detectors.hgcal.module import geometry, layers, wafers
from qcompress.files import JsonObject

PARTS = ("training", "validation", "test", "calibration")
EVENTS_SHOWN = 12
PARTICLES_SHOWN = 6
SIGNAL_SHARE = 1e-3
COLUMNS = ("event", "codes", "split", "zside", "layer", "u", "v", "high_density", "sim_energy_fraction")

Columns = dict[str, npt.NDArray[Any]]


def fragment(handle: samples.Handle, events: Sequence[int]) -> str:
    """HTML of the first EVENTS_SHOWN of the events numbered `events` of a sample, `handle`."""
    import jinja2

    shown = list(events)[:EVENTS_SHOWN]
    particles = handle.particles()
    data = {
        "pitch": wafers.PITCH_CM,
        "up": [0.0] + [round(float(wafers.centre_cm(layer, 0, 0)[1]), 4) for layer in range(1, layers.LAYERS + 1)],
        "corners": np.round(geometry.tc_corners()[np.argsort(geometry.CHANNEL_OF_TRAIN)], 3).tolist(),
        "decoded": [decode(np.arange(128), density).tolist() for density in (Density.LD, Density.HD)],
        "events": [_event(number, rows, particles) for number, rows in zip(shown, rows_of(handle, shown), strict=True)],
    }
    text = (Path(__file__).parent / "event_display.html.j2").read_text()
    return str(jinja2.Environment(autoescape=True).from_string(text).render(data=_safe(data)))


def _safe(data: Any) -> Any:
    """JSON for a script element: nothing in it can end the element."""
    import markupsafe

    return markupsafe.Markup(json.dumps(data, separators=(",", ":")).replace("<", "\\u003c"))  # noqa: S704 - numbers


def rows_of(handle: samples.Handle, events: Sequence[int]) -> list[Columns]:
    """Rows of each of the `events`, in one reading of a sample, `handle`; empty columns for an event without any."""
    names = [name for name in COLUMNS if name in handle.columns]
    parts: dict[int, list[Columns]] = {event: [] for event in events}
    for part in handle.chunks(names=names):
        for event in set(np.unique(part["event"]).tolist()) & set(events):
            own = part["event"] == event
            parts[event].append({name: column[own] for name, column in part.items()})
    return [{name: np.concatenate([part[name] for part in parts[event]]) for name in names} for event in events]


def _event(number: int, rows: Columns, particles: Columns) -> JsonObject:
    side = busier_side(rows)
    kept = rows["codes"].any(axis=1) & (rows["zside"] == side if side else True)
    packed, sums = _packed({name: column[kept] for name, column in rows.items()})
    own = particles["event"] == number if particles else np.zeros(0, bool)
    order = np.flatnonzero(own)
    if particles:
        order = order[np.argsort(-particles["pt"][own])]
    return {
        "event": number,
        "split": PARTS[int(rows["split"][0])],
        "side": side,
        "particles": [
            [int(particles["pdg"][k]), *(round(float(particles[name][k]), 2) for name in ("pt", "eta", "phi"))]
            for k in order[:PARTICLES_SHOWN]
        ],
        "more": max(len(order) - PARTICLES_SHOWN, 0),
        "data": base64.b64encode(packed[np.argsort(-sums, kind="stable")].tobytes()).decode(),
    }


def busier_side(rows: Columns) -> int:
    """1 or -1, the side with more charge in these `rows`; 0 if the sample does not know sides."""
    if "zside" not in rows:
        return 0
    sums = {side: int(_charges(rows)[rows["zside"] == side].sum()) for side in (1, -1)}
    return 1 if sums[1] >= sums[-1] else -1


def _charges(rows: Columns) -> npt.NDArray[np.int64]:
    high = rows.get("high_density", np.ones(len(rows["codes"])))[:, None] == 1
    codes = rows["codes"].astype(np.int64)
    return np.where(codes == 0, 0, np.where(high, decode(codes, Density.HD), decode(codes, Density.LD)))


def _packed(rows: Columns) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """A record of 52 bytes a module: layer (0: not known), u + 64, v + 64, flags, 48 codes; and sums of charge.

    Flags: 1 high density, 2 a thousandth of the signal or more.
    """
    n = len(rows["codes"])
    placed = {"layer", "u", "v"} <= set(rows)
    place = [rows[name] + more if placed else np.zeros(n) for name, more in (("layer", 0), ("u", 64), ("v", 64))]
    signal = rows.get("sim_energy_fraction", np.zeros(n)) >= SIGNAL_SHARE
    flags = rows.get("high_density", np.ones(n)).astype(np.int64) + 2 * signal
    return np.column_stack([*place, flags, rows["codes"]]).astype(np.uint8), _charges(rows).sum(axis=1)
