"""Samples from `HGCalTriggerNtuple` trees of CMSSW's L1 trigger ntuplizer (ROOT), and back.

Branches read, one entry an event: `event` (else the entry's number), `tc_subdet` (1, 2; scintillators are left out),
`tc_zside`, `tc_layer`, `tc_waferu`, `tc_waferv`, `tc_cellu`, `tc_cellv`, `tc_uncompressedCharge` (else `tc_data`),
`tc_wafertype` (0 and 3 are high density, 1 and 2 low; without it by the radius), `tc_simenergy` where it is;
`gen_pdgid`, `gen_pt`, `gen_eta`, `gen_phi`, `genpart_gen`, `genpart_exeta`, `genpart_exphi` for the entry into the
calorimeter, and `split`, which ours have. A tree holds trigger cells with charge: a module without any is not in it.
It may be a TTree or an RNTuple; of several cycles the newest is read.
"""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from qcompress.detectors import CALIBRATION
from qcompress.detectors.hgcal import samples
from qcompress.detectors.hgcal.exchange.tables import codes_of, note_saturated, saturated
from qcompress.detectors.hgcal.module import geometry, layers, wafers
from qcompress.detectors.hgcal.samples.layout import OF_THE_FILE
from qcompress.detectors.splits import split_events
from qcompress.errors import QcompressError, QcompressWarning
from qcompress.files import named_aside
from qcompress.progress import Report, silent

TREE = "HGCalTriggerNtuple"
PLACE = ("tc_zside", "tc_subdet", "tc_layer", "tc_waferu", "tc_waferv")
CELL = ("tc_cellu", "tc_cellv")
CHARGES = ("tc_uncompressedCharge", "tc_data")
GENERATED = ("gen_pdgid", "gen_pt", "gen_eta", "gen_phi")
ENTRY = ("genpart_gen", "genpart_exeta", "genpart_exphi")
WAFER_TYPES = {0: True, 1: False, 2: False, 3: True}
"""High density or not, by `tc_wafertype`: 120 um; 200, 300 um of low density; in newer geometries 200 um of high."""
KINDS = ("TTree", "ROOT::RNTuple")
EVENTS = 5
"""Events read at a time."""
EVENTS_WRITTEN = 20
"""Events written at a time."""

Columns = dict[str, npt.NDArray[Any]]


def channel_of_cell() -> npt.NDArray[np.int64]:
    """(8, 8): channel of the trigger cell (u, v), -1 where there is none."""
    table = np.full((8, 8), -1, np.int64)
    table[geometry.TRAIN_UV[:, 0], geometry.TRAIN_UV[:, 1]] = geometry.CHANNEL_OF_TRAIN
    return table


def import_root(source: Path, target: Path, report: Report = silent, tree: str | None = None) -> int:
    """Write a sample, `target`, of the tree in `source`; returns its rows; report: told how many events are done.

    tree: its path in the file, where there are several of the usual name, or it has another. Raises QcompressError
    naming what is missing or wrong.
    """
    import uproot

    if not source.is_file():
        raise QcompressError(f"{source}: no such file")
    try:
        with uproot.open(source) as file:
            return _import_tree(source, _tree(source, file, tree), target, report)
    except QcompressError:
        raise
    except Exception as fault:  # uproot raises its own, and those of its decompressors
        said = " ".join(str(fault).split())[:200]
        raise QcompressError(f"{source}: not a readable ROOT file ({type(fault).__name__}: {said})") from None


def _tree(source: Path, file: Any, wanted: str | None) -> Any:
    """The newest cycle of the tree at the path `wanted`, or of the only one of the usual name."""
    cycles: dict[str, list[int]] = {}
    for name, kind in file.classnames(recursive=True).items():
        path, _, cycle = name.partition(";")
        if kind in KINDS:
            cycles.setdefault(path, []).append(int(cycle or 1))
    paths = [path for path in cycles if path == wanted or (wanted is None and path.split("/")[-1] == TREE)]
    if not paths:
        there = ", ".join(cycles) or "none"
        raise QcompressError(f"{source}: no tree {wanted or TREE} in it; of trees it has {there}: --set tree=PATH")
    if len(paths) > 1:
        raise QcompressError(f"{source}: {len(paths)} trees {TREE}: {', '.join(paths)}; choose with --set tree=PATH")
    (path,) = paths
    newest, *older = sorted(cycles[path], reverse=True)
    if older:
        all_ = ", ".join(map(str, (*reversed(older), newest)))
        said = f"{source}: {path} stands in cycles {all_}; {newest}, the newest, is read"
        warnings.warn(said, QcompressWarning, stacklevel=2)
    return file[f"{path};{newest}"]


def _import_tree(source: Path, tree: Any, target: Path, report: Report) -> int:
    known = set(tree.keys())  # of an RNTuple fields within fields too
    charge = next((name for name in CHARGES if name in known), None)
    missing = [name for name in (*PLACE, *CELL) if name not in known] + ([] if charge else ["tc_data"])
    if missing:
        raise QcompressError(f"{source}: branch {', '.join(missing)} is missing")
    optional = [name for name in ("tc_wafertype", "tc_simenergy", "split", *GENERATED, *ENTRY) if name in known]
    numbers, said = _events(tree)
    origin = {"kind": "ntuple", "files": [source.name], "geometry": OF_THE_FILE, "charge": charge, "events": said}
    done = beyond = 0
    with samples.writing(target, origin) as writer:
        for first in range(0, tree.num_entries, EVENTS):
            arrays = tree.arrays([*PLACE, *CELL, str(charge), *optional], entry_start=first, entry_stop=first + EVENTS)
            event = numbers[first : first + EVENTS]
            modules = _modules(source, arrays, event, str(charge))
            writer.append(modules, _particles(arrays, event))
            done += len(modules["event"])
            beyond += saturated(modules["charge"], modules["high_density"])
            report(min(first + EVENTS, tree.num_entries), tree.num_entries, "events")
        if done == 0:
            raise QcompressError(f"{source}: no trigger cell of a silicon module in it")
        note_saturated(source, beyond)
    return done


def _events(tree: Any) -> tuple[npt.NDArray[np.int64], str]:
    """Number of every entry: the file's, unless it gives none or one twice; and which it is."""
    if "event" in tree.keys():  # noqa: SIM118 - a tree is no dictionary
        numbers = np.asarray(tree.arrays(["event"])["event"], np.int64)
        if len(np.unique(numbers)) == len(numbers):
            return numbers, "numbers of the file"
    return np.arange(
        tree.num_entries, dtype=np.int64
    ), "numbers of the entries: those of the file repeat or are missing"


def _flat(arrays: Any, name: str) -> npt.NDArray[Any]:
    import awkward

    return np.asarray(awkward.to_numpy(awkward.flatten(arrays[name])))


def _modules(source: Path, arrays: Any, event: npt.NDArray[np.int64], charge: str) -> Columns:
    import awkward

    counts = np.asarray(awkward.num(arrays["tc_layer"]))
    cells = {name: _flat(arrays, name) for name in (*PLACE, *CELL, charge)}
    silicon = np.isin(cells["tc_subdet"], (layers.CE_E, layers.CE_H))
    keys = np.column_stack([np.repeat(event, counts), *(cells[name].astype(np.int64) for name in PLACE)])[silicon]
    rows, which = np.unique(keys, axis=0, return_inverse=True)
    u, v = (cells[name][silicon].astype(np.int64) for name in CELL)
    channel = np.where((u >= 0) & (u < 8) & (v >= 0) & (v < 8), channel_of_cell()[u % 8, v % 8], -1)
    values = cells[charge][silicon].astype(np.float64)
    of_event = np.repeat(event, counts)[silicon]
    for wrong, what in (
        (channel < 0, "a (u, v) that no module has"),
        (~np.isfinite(values) | (values < 0), "a charge that is negative or no number"),
    ):
        if wrong.any():
            said = f"{int(wrong.sum())} trigger cells have {what}, the first in event {of_event[wrong][0]}"
            raise QcompressError(f"{source}: {said}")
    sums = np.zeros((len(rows), geometry.TRIGGER_CELLS))
    np.add.at(sums, (which.ravel(), channel), values)
    layer, wafer_u, wafer_v = rows[:, 3], rows[:, 4], rows[:, 5]
    high = wafers.high_density(layer, wafer_u, wafer_v)
    if "tc_wafertype" in arrays.fields:
        high = _density(source, _flat(arrays, "tc_wafertype")[silicon], which.ravel(), len(rows))
    whole = np.rint(sums).astype(np.int64)
    found: Columns = {
        "event": rows[:, 0],
        "zside": rows[:, 1],
        "subdet": rows[:, 2],
        "layer": layer,
        "u": wafer_u,
        "v": wafer_v,
        "module_type": wafers.module_type(layer, wafer_u, wafer_v),
        "high_density": high,
        "charge": whole,
        "codes": codes_of(whole, high),
        "split": split_events(rows[:, 0], 1),
    }
    if "split" in arrays.fields:
        found["split"] = _split(source, rows[:, 0], event, np.asarray(arrays["split"], np.int64))
    if "tc_simenergy" in arrays.fields:
        energy = _flat(arrays, "tc_simenergy")[silicon]
        found["sim_energy_total"] = np.bincount(which.ravel(), energy, len(rows))
    return found


def _density(source: Path, kinds: npt.NDArray[Any], module: npt.NDArray[np.int64], rows: int) -> npt.NDArray[np.bool_]:
    """Whether each of the modules, `rows`, is of high density; kinds, module: of every trigger cell."""
    for kind in np.unique(kinds):
        if int(kind) not in WAFER_TYPES:
            count = int((kinds == kind).sum())
            said = f"tc_wafertype {kind} of {count} trigger cells is none of {', '.join(map(str, WAFER_TYPES))}"
            raise QcompressError(f"{source}: {said}; leave the branch out to have the density by the radius")
    high = np.zeros(rows, bool)
    high[module[np.isin(kinds, [kind for kind, dense in WAFER_TYPES.items() if dense])]] = True
    return high


def _split(
    source: Path, of: npt.NDArray[np.int64], event: npt.NDArray[np.int64], part: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """The part of each row's event, as the tree's own branch says."""
    if wrong := int(((part < 0) | (part > CALIBRATION)).sum()):
        raise QcompressError(f"{source}: branch split of {wrong} events is not 0 to {CALIBRATION}")
    order = np.argsort(event)
    return part[order][np.searchsorted(event[order], of)]


def _particles(arrays: Any, event: npt.NDArray[np.int64]) -> Columns | None:
    import awkward

    if not set(GENERATED) <= set(arrays.fields):
        return None
    counts = np.asarray(awkward.num(arrays["gen_pt"]))
    pdg, pt, eta, phi = (_flat(arrays, name) for name in GENERATED)
    found = {
        "event": np.repeat(event, counts),
        "pdg": pdg,
        "pt": pt,
        "eta": eta,
        "phi": phi,
        "entry_eta": np.full(len(pt), np.nan),
        "entry_phi": np.full(len(pt), np.nan),
        "zside": np.where(eta >= 0, 1, -1),
    }
    if set(ENTRY) <= set(arrays.fields):
        parts = np.asarray(awkward.num(arrays["genpart_gen"]))
        index, exit_eta, exit_phi = (_flat(arrays, name) for name in ENTRY)
        own = (index >= 0) & (index < np.repeat(counts, parts))
        place = np.repeat(np.cumsum(counts) - counts, parts)[own] + index[own].astype(np.int64)
        found["entry_eta"][place[::-1]], found["entry_phi"][place[::-1]] = exit_eta[own][::-1], exit_phi[own][::-1]
    return found


def export_root(sample: Path, target: Path) -> int:
    """Write a `sample` to `target` as a tree, some events at a time, cells without charge left out; returns the events.

    Raises QcompressError naming columns that the sample lacks.
    """
    import uproot

    needed = ("zside", "subdet", "layer", "u", "v", "high_density", "charge")
    with samples.Handle(sample) as handle, named_aside(target) as beside:
        if missing := [name for name in needed if name not in handle.columns]:
            raise QcompressError(f"{sample}: column {', '.join(missing)} is missing, which a tree needs")
        generated, known = handle.particles(), handle.events()
        numbers = np.unique(np.concatenate([known[:, 0], generated.get("event", known[:0, 0])]))
        spans = [(part["event"].min(), part["event"].max()) for part in handle.chunks(names=["event"])]
        with uproot.recreate(beside) as file:  # uproot closes what it is given
            for first in range(0, len(numbers), EVENTS_WRITTEN):
                events = numbers[first : first + EVENTS_WRITTEN]
                branches = _cells(events, _rows_of(handle, ("event", *needed), spans, events))
                branches |= _generated(events, generated)
                parts = np.where(np.isin(events, known[:, 0]), 0, split_events(events, 1))
                parts[np.isin(events, known[:, 0])] = known[np.isin(known[:, 0], events), 1]
                flat = {"event": events, "split": parts.astype(np.int32)}
                if first == 0:
                    types = {name: values.dtype for name, values in flat.items()}
                    file.mktree(TREE, types | {name: values.type for name, values in branches.items()})
                file[TREE].extend(flat | branches)
    return len(numbers)


def _rows_of(
    handle: samples.Handle, names: tuple[str, ...], spans: list[tuple[int, int]], events: npt.NDArray[np.int64]
) -> Columns:
    """Rows of some events, sorted by event, out of the chunks that may hold them. spans: events of each chunk."""
    found = []
    for number, (low, high) in enumerate(spans):
        if low <= events[-1] and high >= events[0]:
            part = handle.read(names, slice(number * samples.CHUNK_ROWS, (number + 1) * samples.CHUNK_ROWS))
            own = (part["event"] >= events[0]) & (part["event"] <= events[-1])
            found.append({name: column[own] for name, column in part.items()})
    none = {name: np.zeros((0, *samples.COLUMNS[name][1]), samples.COLUMNS[name][0]) for name in names}
    rows = {name: np.concatenate([none[name], *(part[name] for part in found)]) for name in names}
    order = np.argsort(rows["event"], kind="stable")
    return {name: column[order] for name, column in rows.items()}


def _cells(events: npt.NDArray[np.int64], rows: Columns) -> dict[str, Any]:
    """Branches of the trigger cells with charge."""
    import awkward

    row, channel = np.nonzero(rows["charge"])
    per_event = np.bincount(np.searchsorted(events, rows["event"][row]), minlength=len(events))
    uv = geometry.TRAIN_UV[np.argsort(geometry.CHANNEL_OF_TRAIN)][channel]
    cells: Columns = {
        name: rows[column][row].astype(np.int32)
        for name, column in zip(PLACE, ("zside", "subdet", "layer", "u", "v"), strict=True)
    }
    cells |= {"tc_cellu": uv[:, 0].astype(np.int32), "tc_cellv": uv[:, 1].astype(np.int32)}
    cells["tc_wafertype"] = (1 - rows["high_density"][row]).astype(np.int32)
    cells["tc_uncompressedCharge"] = rows["charge"][row, channel]
    return {name: awkward.unflatten(values, per_event) for name, values in cells.items()}


def _generated(events: npt.NDArray[np.int64], generated: Columns) -> dict[str, Any]:
    """Branches of the generated particles, none if the sample has none."""
    import awkward

    if not generated:
        return {}
    own = np.flatnonzero(np.isin(generated["event"], events))
    own = own[np.argsort(generated["event"][own], kind="stable")]
    per_event = np.bincount(np.searchsorted(events, generated["event"][own]), minlength=len(events))
    lists = dict(zip(GENERATED, ("pdg", "pt", "eta", "phi"), strict=True))
    lists |= dict(zip(ENTRY[1:], ("entry_eta", "entry_phi"), strict=True))
    branches = {name: awkward.unflatten(generated[column][own], per_event) for name, column in lists.items()}
    index = np.concatenate([np.arange(count) for count in per_event]).astype(np.int32)
    return branches | {ENTRY[0]: awkward.unflatten(index, per_event)}
