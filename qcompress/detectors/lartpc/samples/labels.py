"""Labels of a hand scan: a file of hits and classes, read strictly, and the sample whose truth they are.

The file is JSON: `format`, `schema` 1, `sample` (SHA-256 of the content of the sample that was looked at) and `labels`,
each with `event`, `plane` (its name), `wire`, `start` (the hit's first tick) and `class` (null, shower, track).
"""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from qcompress.detectors.hdf5 import Columns
from qcompress.detectors.lartpc.samples.layout import NOTHING, SHOWER, TRACK, Event
from qcompress.detectors.lartpc.samples.reader import Handle
from qcompress.detectors.lartpc.samples.writer import writing
from qcompress.errors import QcompressError
from qcompress.files import make_folder_of, refuse_inputs
from qcompress.progress import Report

LABELS_FORMAT: Literal["qcompress liquid-argon labels"] = "qcompress liquid-argon labels"
CLASSES = {"null": NOTHING, "shower": SHOWER, "track": TRACK}
"""What a hit may be labelled as."""


class Label(BaseModel):
    """The class of a hit, which its event, plane, wire and first tick say."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
    event: int
    plane: str
    wire: int
    start: int
    kind: Literal["null", "shower", "track"] = Field(alias="class")


class Labels(BaseModel):
    """A file of labels."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
    format: Literal["qcompress liquid-argon labels"]
    schema_: Literal[1] = Field(alias="schema")
    sample: str
    labels: list[Label] = Field(min_length=1)


def read_labels(path: Path) -> Labels:
    """The labels in the file at `path`; raises QcompressError naming what is wrong in it."""
    try:
        return Labels.model_validate_json(path.read_bytes())
    except OSError as fault:
        raise QcompressError(f"{path}: cannot be read ({fault.strerror})") from None
    except ValidationError as fault:
        error = fault.errors()[0]
        place = ".".join(str(part) for part in error["loc"])
        raise QcompressError(f"{path}: no labels{f', {place}' if place else ''}: {error['msg']}") from None


def relabelled(sample: Path, labels: Path, target: Path, report: Report) -> str:
    """Write the sample `target`: that at `sample`, its hits and their pixels of the classes that the `labels` say.

    Hits without a label keep their truth. report: told how many events are done. Returns a line of counts; raises
    QcompressError for labels of another sample, of hits that it does not have, and for two of one hit.
    """
    refuse_inputs(target, sample, labels)
    given = read_labels(labels)
    with Handle(sample) as handle:
        if (own := handle.content_hash()) != given.sample:
            raise QcompressError(f"{labels}: labels of a sample {given.sample[:12]}, {sample} is {own[:12]}")
        wanted = _by_event(handle, labels, given)
        origin = {**handle.origin, "labels": hashlib.sha256(labels.read_bytes()).hexdigest(), "labels_of": own}
        changed = 0
        make_folder_of(target)
        with writing(target, handle.preset, origin, bool(handle.planes)) as writer:
            for place in handle.places():
                event = handle.event(place)
                kinds = wanted.get(event.event, {})
                after = _with_kinds(event, kinds, labels)
                changed += int((after.hits["kind"] != event.hits["kind"]).sum())
                writer.append(after)
                report(place + 1, len(handle), "events")
    count = sum(map(len, wanted.values()))
    return f"{count} labelled hits in {len(wanted)} events, {changed} of them of another class before, in {target}"


Wanted = Mapping[tuple[int, int, int], int]
"""Class of a hit by its plane's number, wire and first tick."""


def _by_event(handle: Handle, path: Path, given: Labels) -> dict[int, dict[tuple[int, int, int], int]]:
    """Classes by number of the event."""
    planes = {plane.name: number for number, plane in enumerate(handle.preset.planes)}
    events = set(handle.events["event"].tolist())
    found: dict[int, dict[tuple[int, int, int], int]] = {}
    for number, label in enumerate(given.labels):
        if label.event not in events or label.plane not in planes:
            missing = f"plane {label.plane}" if label.event in events else f"event {label.event}"
            raise QcompressError(f"{path}, label {number}: the sample has no {missing}")
        hit = (planes[label.plane], label.wire, label.start)
        if hit in found.setdefault(label.event, {}):
            where = f"event {label.event}, plane {label.plane}, wire {label.wire}, tick {label.start}"
            raise QcompressError(f"{path}, label {number}: {where} has a label already")
        found[label.event][hit] = CLASSES[label.kind]
    return found


def _with_kinds(event: Event, wanted: Wanted, path: Path) -> Event:
    """The event with classes of hits, and of the pixels in them, as they are wanted."""
    hits: dict[str, Any] = {name: np.array(column) for name, column in event.hits.items()}
    pixels: dict[str, Any] = {name: np.array(column) for name, column in event.pixels.items()}
    keys = zip(*(hits[name].tolist() for name in ("plane", "wire", "start")), strict=True)
    rows = {key: row for row, key in enumerate(keys)}
    for key, kind in wanted.items():
        row = rows.get(key)
        if row is None:
            where = f"on wire {key[1]} of plane number {key[0]}"
            raise QcompressError(f"{path}: event {event.event} has no hit that begins at tick {key[2]} {where}")
        hits["kind"][row] = kind
        pixels["kind"][_inside(pixels, key, int(hits["end"][row]))] = kind
    return replace(event, hits=hits, pixels=pixels)


def _inside(pixels: Columns, key: tuple[int, int, int], end: int) -> Any:
    """Which pixels lie in a hit."""
    plane, wire, start = key
    own = (pixels["plane"] == plane) & (pixels["wire"] == wire)
    return own & (pixels["tick"] >= start) & (pixels["tick"] < end)
