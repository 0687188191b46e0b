"""What candidates say of hits and wires, against plain loops."""

from types import SimpleNamespace

import numpy as np
import pytest
from helpers.wire_events import event, small, written

from qcompress.detectors import Firmware
from qcompress.detectors.lartpc import samples
from qcompress.detectors.lartpc.display import decided
from qcompress.detectors.lartpc.images.views import VIEWS, cells_of, places_of
from qcompress.detectors.lartpc.roi import emulation
from qcompress.detectors.lartpc.simulation import fast_simulation
from qcompress.progress import silent

REGISTERS = {"view": "tile", "planes": ["U", "W"], "binary": True, "full_charge": 6e4, "least_charge": 1500.0,
             "least_cells": 11}  # fmt: skip


class Chequered:
    """A network that calls cells shower and track by turns."""

    def run(self, codes):
        _, rows, columns = codes.shape
        return {"class": np.broadcast_to(1 + np.add.outer(np.arange(rows), np.arange(columns)) % 2, codes.shape)}


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    path = tmp_path_factory.mktemp("display") / "a.h5"
    fast_simulation.simulate("mix-hd-hits", 3, 5, path)
    return path


def test_pixels_lie_in_the_cells_of_the_images(sample):
    with samples.Handle(sample) as handle:
        for place in handle.places():
            pixels, view = handle.columns("pixels", place), VIEWS["tile"]
            known = cells_of(pixels, handle.preset, view, ("U", "V", "W"), 0.0)
            where, sums = places_of(pixels, handle.preset, view), {}
            for k in np.flatnonzero(samples.MERGED[pixels["kind"]] != samples.NOTHING):
                key = (int(where.tile[k]), int(where.row[k]), int(where.column[k]))
                sums[key] = sums.get(key, 0.0) + float(pixels["charge"][k])
            keys = zip(known.tile.tolist(), known.row.tolist(), known.column.tolist(), strict=True)
            assert sums == pytest.approx(dict(zip(keys, known.charge.tolist(), strict=True)))


def test_a_hit_is_of_the_class_with_most_of_its_charge_in_lit_cells(sample):
    firmware = Firmware(REGISTERS, {}, {"unet": Chequered()}, {})
    with samples.Handle(sample) as handle:
        told = list(decided.classes(firmware, sample, [2, 0], silent))
        for found, place in zip(told, [2, 0], strict=True):
            pixels, hits = handle.columns("pixels", place), handle.columns("hits", place)
            lit = cells_of(pixels, handle.preset, VIEWS["tile"], ("U", "W"), 1500.0)
            full = {tile for tile, many in zip(*np.unique(lit.tile, return_counts=True), strict=True) if many >= 11}
            keys = set(zip(lit.tile.tolist(), lit.row.tolist(), lit.column.tolist(), strict=True))
            where, expected = places_of(pixels, handle.preset, VIEWS["tile"]), []
            for hit in range(len(hits["wire"])):
                own = [pixels[name] == hits[name][hit] for name in ("plane", "wire")]
                own += [pixels["tick"] >= hits["start"][hit], pixels["tick"] < hits["end"][hit]]
                sums = [0.0, 0.0, 0.0]
                for k in np.flatnonzero(np.all(own, axis=0)):
                    key = (int(where.tile[k]), int(where.row[k]), int(where.column[k]))
                    if key in keys and key[0] in full:
                        sums[1 + (key[1] + key[2]) % 2] += float(pixels["charge"][k])
                expected.append(int(np.argmax(sums)) if any(sums) else decided.NOT_SEEN)
            assert found.tolist() == expected
            assert {1, 2} <= set(expected)


def test_regions_are_those_of_the_emulation(tmp_path, monkeypatch):
    small(monkeypatch)
    path, kept = written(tmp_path / "a.h5", event(1)), np.zeros((2, 64), np.bool_)
    kept[0, 5:20], kept[0, 60:], kept[1, :3] = True, True, True
    monkeypatch.setattr(emulation, "kept_ticks", lambda firmware, waves: kept[: len(waves)])
    firmware = SimpleNamespace(front_end={"preset": "protodune-sp", "plane": "W"})
    with samples.Handle(path) as handle:
        found = decided.regions(firmware, handle, 0, np.array([3, 9]))
    assert found == {3: [[5, 20], [60, 64]], 9: [[0, 3]]}


def test_pixels_of_no_hit_are_in_none():
    pixels = {"plane": [0, 0, 0, 1], "wire": [3, 3, 4, 3], "tick": [9, 12, 12, 12]}
    hits = {"plane": [1, 0], "wire": [3, 3], "start": [12, 10], "end": [13, 13]}
    as_arrays = [{name: np.array(column) for name, column in given.items()} for given in (pixels, hits)]
    assert decided.hit_of(*as_arrays).tolist() == [-1, 1, -1, 0]
    assert decided.hit_of(as_arrays[0], {name: np.zeros(0, np.int64) for name in hits}).tolist() == [-1] * 4
