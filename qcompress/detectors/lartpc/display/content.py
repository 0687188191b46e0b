"""What the page of the display shows, as plain values: events, hits with their truth, decisions, waveforms."""

import base64
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from qcompress.detectors import Firmware
from qcompress.detectors.hdf5 import Columns
from qcompress.detectors.lartpc import samples
from qcompress.detectors.lartpc.display import decided
from qcompress.detectors.lartpc.plugs import plug_of
from qcompress.errors import QcompressError
from qcompress.files import Json, JsonObject
from qcompress.progress import Report

SPLITS = ("training", "validation", "test", "calibration")
NAMES = {11: "e-", -11: "e+", 22: "photon", 13: "mu-", -13: "mu+", 211: "pi+", -211: "pi-", 111: "pi0", 2212: "p"}
"""Of particles, by PDG code."""


def content(path: Path, places: list[int], firmwares: Mapping[str, Firmware], report: Report) -> JsonObject:
    """The events at some `places` of the sample at `path`; firmwares: of candidates, by what they are called.

    report: told how many events are done. Raises QcompressError for a candidate of neither images nor regions, and for
    one of regions of another chamber; images are made of cells in cm, whatever the chamber.
    """
    kinds = {name: plug_of(firmware.front_end).name for name, firmware in firmwares.items()}
    if other := [name for name, kind in kinds.items() if kind not in ("images", "roi")]:
        raise QcompressError(f"{other[0]}: a candidate of {kinds[other[0]]}; give those of images or of regions")
    images = {name: decided.classes(firmwares[name], path, places, report) for name in kinds if kinds[name] == "images"}
    finders = {name: firmwares[name] for name in kinds if kinds[name] == "roi"}
    with samples.Handle(path) as handle:
        events: list[Json] = []
        for done, place in enumerate(places, 1):
            told: dict[str, Json] = {name: next(classes).tolist() for name, classes in images.items()}
            events.append(_event(handle, place, finders) | {"told": told})
            report(done, len(places), "events")
        preset = handle.preset
        return {
            "sample": handle.content_hash(),
            "planes": [
                {"name": plane.name, "wires": plane.wires, "baseline": plane.baseline} for plane in preset.planes
            ],
            "ticks": preset.ticks,
            "tick_us": preset.tick_us,
            "waveforms": bool(handle.planes),
            "classes": list(samples.CLASS_NAMES),
            "merged": samples.MERGED.tolist(),
            "radioactive": samples.RADIOACTIVE,
            "images": list(images),
            "events": events,
        }


def _event(handle: samples.Handle, place: int, finders: Mapping[str, Firmware]) -> JsonObject:
    """An event: what it is, its hits by column, its particles, waveforms of wires with hits, regions of candidates."""
    events, hits = handle.events, handle.columns("hits", place)
    columns: dict[str, Json] = {
        name: hits[name].tolist() for name in ("plane", "wire", "start", "end", "kind", "particle")
    }
    shown = {name: wires_shown(hits, number) for number, name in enumerate(handle.planes)}
    regions: list[Json] = []
    for name, firmware in finders.items():
        plane = str(firmware.front_end["plane"])
        found = decided.regions(firmware, handle, place, shown.get(plane, np.zeros(0, np.int64)))
        regions.append({"by": name, "plane": plane, "wires": {str(wire): runs for wire, runs in found.items()}})
    return {
        "event": int(events["event"][place]),
        "what": samples.INTERACTIONS[events["interaction"][place]],
        "part": SPLITS[events["split"][place]],
        "hits": columns | {"charge": np.rint(hits["charge"]).astype(np.int64).tolist()},
        "particles": _particles(handle.columns("particles", place), hits),
        "waves": {name: _waves(handle.waveforms(place, name), wires) for name, wires in shown.items()},
        "regions": regions,
    }


def wires_shown(hits: Columns, plane: int) -> npt.NDArray[np.int64]:
    """Wires of a plane, by its number, with a hit that is not radioactivity's: those whose waveforms the page has."""
    own = (hits["plane"] == plane) & (hits["kind"] != samples.RADIOACTIVE)
    return np.unique(hits["wire"][own]).astype(np.int64)


def _particles(particles: Columns, hits: Columns) -> JsonObject:
    """Words on each particle that has a hit, by its number."""
    seen = np.isin(particles["particle"], np.unique(hits["particle"]))
    rows = zip(*(particles[name][seen].tolist() for name in ("particle", "pdg", "energy")), strict=True)
    return {str(number): f"{NAMES.get(pdg, f'pdg {pdg}')} of {energy:.4g} MeV" for number, pdg, energy in rows}


def _waves(codes: npt.NDArray[np.uint16], wires: Sequence[int] | npt.NDArray[np.int64]) -> JsonObject:
    return {str(wire): packed(codes[wire]) for wire in wires}


def packed(codes: npt.NDArray[np.uint16]) -> str:
    """Codes (ticks,) as text: differences in 16 bits, all low bytes and then all high ones, deflated, base 64."""
    steps = np.diff(codes, prepend=codes.dtype.type(0)).astype("<u2")
    shuffled = np.ascontiguousarray(steps.view(np.uint8).reshape(-1, 2).T)
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -15)
    return base64.b64encode(squeeze.compress(shuffled.tobytes()) + squeeze.flush()).decode()
