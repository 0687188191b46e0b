"""Samples as ROOT trees and back: `events`, `particles`, `pixels`, `hits`, and `wires` with codes.

Branches are the columns of a sample, rows sorted by event; those of an event are found by their branch `event`.
`wires` has a row for each wire: `event`, `plane` (counted), `wire`, `codes` (ticks). The file says in the string
`chamber` whose wires they are.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from qcompress.detectors.lartpc import samples
from qcompress.detectors.lartpc.presets import Preset
from qcompress.detectors.lartpc.samples.chambers import CHAMBERS
from qcompress.detectors.splits import split_events
from qcompress.errors import QcompressError
from qcompress.files import named_aside
from qcompress.progress import Report, silent

CHAMBER, WIRES = "chamber", "wires"
SPLIT_SEED = 1
LAYOUT = samples.LAYOUT | {
    "events": {name: kind for name, kind in samples.LAYOUT["events"].items() if name not in samples.PARTS}
}
"""Type of each branch of each tree: counts of rows are a sample's alone."""
NEEDED = {
    "events": ("event",),
    "particles": ("event", "particle", "pdg"),
    "pixels": ("event", "plane", "wire", "tick", "charge"),
    "hits": ("event", "plane", "wire", "start", "end", "charge"),
}
"""Branches that a tree must have; others are what is said of nothing where they are not there."""
MISSING = {"split": None, "parent": -1, "particle": samples.NO_PARTICLE, "kind": samples.NOTHING}
"""Of a column that a tree does not have; 0 of others, NaN of places."""
Columns = dict[str, npt.NDArray[Any]]


def export_root(sample: Path, target: Path, waveforms: bool) -> str:
    """Write a `sample` to `target`, event by event; waveforms: its codes too, where it has them. Returns a line."""
    import uproot

    with samples.Handle(sample) as handle, named_aside(target) as beside:
        preset = handle.preset
        with uproot.recreate(beside, compression=uproot.ZSTD(1)) as file:  # uproot closes what it is given
            file[CHAMBER] = preset.name
            for tree in LAYOUT:
                file.mktree(tree, {name: np.dtype(kind) for name, kind in LAYOUT[tree].items()})
            if waveforms and handle.planes:
                codes = np.dtype((np.uint16, (preset.ticks,)))
                file.mktree(
                    WIRES, {"event": np.dtype("<i8"), "plane": np.dtype("u1"), "wire": np.dtype("<u2"), "codes": codes}
                )
            for place in handle.places():
                file["events"].extend({name: handle.events[name][place : place + 1] for name in LAYOUT["events"]})
                for part in samples.PARTS:
                    if len((columns := handle.columns(part, place))["event"]):
                        file[part].extend(dict(columns))
                for number, plane in enumerate(handle.planes if waveforms else ()):
                    file[WIRES].extend(_wires(handle, place, number, plane))
        count = len(handle)
    return f"{count} events in {target}"


def _wires(handle: samples.Handle, place: int, number: int, plane: str) -> Columns:
    codes = handle.waveforms(place, plane)
    event = np.full(len(codes), handle.events["event"][place], np.int64)
    return {"event": event, "plane": np.full(len(codes), number, np.uint8),
            "wire": np.arange(len(codes), dtype=np.uint16), "codes": codes}  # fmt: skip


def import_root(source: Path, target: Path, chamber: str | None, report: Report = silent) -> str:
    """Write a sample, `target`, of the trees in `source`; returns a line of counts.

    chamber: whose wires, where the file does not say it; report: told how many events are done. Hits without pixels are
    spread evenly over their ticks. Raises QcompressError naming what is missing or wrong.
    """
    import uproot

    if not source.is_file():
        raise QcompressError(f"{source}: no such file")
    with named_aside(target) as beside:
        try:
            with uproot.open(source) as file:
                line = _imported(source, file, beside, chamber, report)
            _check(beside)
        except QcompressError as fault:
            raise QcompressError(str(fault).replace(str(beside), str(source))) from None
        except Exception as fault:  # uproot raises its own, and those of its decompressors
            said = " ".join(str(fault).split())[:200]
            raise QcompressError(f"{source}: not a readable ROOT file ({type(fault).__name__}: {said})") from None
    return f"{line} in {target}"


def _check(path: Path) -> None:
    """Raises QcompressError for the sample at `path` if anything in it lies where there is nothing."""
    with samples.Handle(path) as written:
        for place in written.places():
            for part in ("hits", "pixels"):  # pixels may be made of hits
                written.columns(part, place)


def _imported(source: Path, file: Any, target: Path, chamber: str | None, report: Report) -> str:
    preset = _preset(source, file, chamber)
    trees = {tree: _columns(source, file, tree) for tree in LAYOUT if tree in file}
    if "events" not in trees:
        raise QcompressError(
            f"{source}: has no tree events; there are {', '.join(sorted(set(file.keys(cycle=False))))}"
        )
    numbers = trees["events"]["event"]
    spread = "pixels" not in trees and "hits" in trees
    if spread:
        trees["pixels"] = _pixels(trees["hits"])
    wires = file.get(WIRES, None)
    rows = np.zeros(0) if wires is None else wires["event"].array(library="np")
    firsts = {tree: _sorted(source, tree, columns, numbers) for tree, columns in trees.items() if tree != "events"}
    with samples.writing(target, preset, {"tree": source.name}, wires is not None) as writer:
        for place, number in enumerate(numbers.tolist()):
            parts = {}
            for part in samples.PARTS:
                bounds = firsts[part][[place, place + 1]] if part in trees else np.zeros(2, np.int64)
                given = trees.get(part, {})
                parts[part] = {name: given[name][slice(*bounds)] if given else np.zeros(0, kind)
                               for name, kind in LAYOUT[part].items()}  # fmt: skip
            own = {name: trees["events"][name][place].item() for name in ("split", "interaction", "x", "y", "z")}
            vertex = (own["x"], own["y"], own["z"])
            codes = {} if wires is None else _codes(source, wires, np.flatnonzero(rows == number), number, preset)
            writer.append(samples.Event(number, own["split"], own["interaction"], vertex, **parts, waveforms=codes))
            report(place + 1, len(numbers), "events")
    told = "; the file has no pixels: hits were spread evenly over their ticks" if spread else ""
    return f"{len(numbers)} events of {preset.name}{told}"


def _preset(source: Path, file: Any, chamber: str | None) -> Preset:
    told = str(file[CHAMBER]) if CHAMBER in file else chamber
    if told is None or told not in CHAMBERS or (chamber is not None and chamber != told):
        what = f"is of {told!r}" if told else "does not say its chamber"
        raise QcompressError(f"{source}: {what}; say one with --set chamber=NAME: {', '.join(CHAMBERS)}")
    return CHAMBERS[told]


def _columns(source: Path, file: Any, tree: str) -> Columns:
    """All columns of a tree in the types of a sample; raises QcompressError for values that these do not hold."""
    branches, layout = file[tree], LAYOUT[tree]
    if missing := [name for name in NEEDED[tree] if name not in branches]:
        raise QcompressError(f"{source}, tree {tree}: has no branch {missing[0]}")
    read = [name for name in layout if name in branches]
    found: Mapping[str, Any] = branches.arrays(read, library="np")
    rows = branches.num_entries
    columns: Columns = {}
    for name, kind in layout.items():
        if name in found:
            columns[name] = _typed(f"{source}, tree {tree}, branch {name}", np.asarray(found[name]), np.dtype(kind))
        elif name == "split":
            columns[name] = split_events(columns["event"], SPLIT_SEED)
        else:
            columns[name] = np.full(rows, MISSING.get(name, np.nan if name in "xyz" else 0), kind)
    _refuse_odd(f"{source}, tree {tree}", columns)
    return columns


def _refuse_odd(where: str, columns: Columns) -> None:
    """Raises QcompressError for a class that there is not, for charge that is none and for hits without a tick."""
    faults = []
    if "kind" in columns:
        faults.append((columns["kind"] >= len(samples.CLASS_NAMES), "kind", f"not 0 to {len(samples.CLASS_NAMES) - 1}"))
    if "charge" in columns:
        charge = columns["charge"]
        faults.append((~(np.isfinite(charge) & (charge > 0)), "charge", "no finite number above 0"))
    if "end" in columns:
        faults.append((columns["end"] <= columns["start"], "end", "not behind its start"))
    for fault, name, said in faults:
        if fault.any():
            row = int(fault.argmax())
            raise QcompressError(f"{where}, row {row}: {name} {columns[name][row]} is {said}")


def _typed(where: str, values: npt.NDArray[Any], kind: np.dtype[Any]) -> npt.NDArray[Any]:
    if values.ndim != 1 or values.dtype.kind not in "iufb":
        raise QcompressError(f"{where}: is no plain column of numbers")
    if kind.kind in "iu":
        limit = np.iinfo(kind)
        bad = ~((values >= limit.min) & (values <= limit.max)) | (values != np.trunc(values))
        if bad.any():
            row = int(bad.argmax())
            raise QcompressError(
                f"{where}, row {row}: {values[row]} is no whole number from {limit.min} to {limit.max}"
            )
    return values.astype(kind)


def _sorted(source: Path, tree: str, columns: Columns, numbers: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """Where the rows of each event begin, (events + 1,); the columns are sorted as the events are, in their order."""
    order = np.argsort(numbers, kind="stable")
    found = np.searchsorted(numbers[order], columns["event"])
    known = numbers[order][np.minimum(found, len(numbers) - 1)] == columns["event"]
    if not known.all():
        raise QcompressError(f"{source}, tree {tree}: event {columns['event'][~known][0]} is not in tree events")
    place = order[found]
    rows = np.argsort(place, kind="stable")
    for name, column in columns.items():
        columns[name] = column[rows]
    return np.asarray(np.searchsorted(place[rows], np.arange(len(numbers) + 1)), np.int64)


def _pixels(hits: Columns) -> Columns:
    """A pixel for each tick of each hit, with its share of the charge."""
    length = np.maximum(hits["end"].astype(np.int64) - hits["start"], 0)
    hit = np.repeat(np.arange(len(length)), length)
    tick = np.arange(len(hit)) - np.repeat(np.cumsum(length) - length, length) + hits["start"][hit]
    own = {name: hits[name][hit] for name in ("event", "plane", "wire", "kind", "particle")}
    return own | {"tick": tick.astype(np.uint16), "charge": (hits["charge"][hit] / length[hit]).astype(np.float32)}


def _codes(source: Path, wires: Any, rows: npt.NDArray[np.int64], number: int, preset: Preset) -> Columns:
    """Codes of all planes of the event of a number, in `rows` of the tree."""
    expected = sum(plane.wires for plane in preset.planes)
    if len(rows) != expected:
        raise QcompressError(f"{source}, tree {WIRES}: {len(rows)} rows of event {number}, not {expected}")
    if rows[-1] - rows[0] != expected - 1:
        raise QcompressError(
            f"{source}, tree {WIRES}: rows of other events stand between those of event {number} (rows {rows[0]} to "
            f"{rows[-1]}); sort the tree by event"
        )
    found = wires.arrays(
        ["plane", "wire", "codes"], entry_start=int(rows[0]), entry_stop=int(rows[-1]) + 1, library="np"
    )
    if found["codes"].shape != (expected, preset.ticks):
        raise QcompressError(f"{source}, tree {WIRES}: codes of {found['codes'].shape[1:]} ticks, not {preset.ticks}")
    codes = _typed(f"{source}, tree {WIRES}, branch codes", found["codes"].ravel(), np.dtype("<u2")).reshape(
        expected, -1
    )
    planes: Columns = {}
    for place, plane in enumerate(preset.planes):
        own = np.flatnonzero(found["plane"] == place)
        own = own[np.argsort(found["wire"][own], kind="stable")]
        if found["wire"][own].tolist() != list(range(plane.wires)):
            raise QcompressError(f"{source}, tree {WIRES}: event {number} has not each wire of plane {plane.name} once")
        planes[plane.name] = codes[own]
    return planes
