"""Clusters against a slow twin, the tie rule, partitions, what the back end refuses."""

import numpy as np
import pytest
from helpers import cluster_twin
from hypothesis import given, settings
from hypothesis import strategies as st

from qcompress.detectors.hgcal.clustering import kernels
from qcompress.detectors.hgcal.clustering.clusters import find_clusters, joined
from qcompress.detectors.hgcal.clustering.settings import BackEnd, ring_areas
from qcompress.detectors.hgcal.clustering.trigger_cells import TriggerCells, trigger_cells
from qcompress.detectors.hgcal.module import layers, wafers
from qcompress.detectors.hgcal.simulation import fast_simulation
from qcompress.errors import QcompressError

BACK_ENDS = [
    BackEnd(),
    BackEnd(distance=0.045),
    BackEnd(distance=None),
    BackEnd("x-y", 0.005),
    BackEnd("x-y", None, 2.0, 0.0),
]


@pytest.fixture(scope="module")
def events():
    """Three photon events and, as a fourth, jets."""
    parts = [fast_simulation.simulate_event("photon-0pu", 1, number)[0] for number in (5, 2, 9)]
    parts.append({**fast_simulation.simulate_event("ttbar-0pu", 1, 3)[0]})
    parts[3]["event"] = parts[3]["event"] + 100
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return trigger_cells(columns, columns["charge"] / np.cosh(columns["eta"])[:, None], 0.1)


def random_cells(seed, count=300):
    """Cells of few places and charges, so that bins tie."""
    rng = np.random.default_rng(seed)
    layer = rng.choice(layers.TRIGGER_LAYERS, count).astype(np.int16)
    z = layers.z_cm(layer)
    x, y = rng.choice([-0.3, -0.1, 0.0, 0.02, 0.2], (2, count)) + rng.choice([0.0, 0.006, 0.012], (2, count)) + 0.0051
    far = np.hypot(x, y) < 0.08
    x = np.where(far, 0.25, x)
    mip_pt = rng.choice([1.0, 4.0, 30.0], count)
    event, side = np.zeros(count, np.int64), np.ones(count, np.int8)
    subdet, thick = layers.subdetector(layer), np.zeros(count, np.uint8)
    return TriggerCells(event, side, subdet, layer, x * z, y * z, z, mip_pt, thick)


def check_against_twin(cells, back_end):
    found = find_clusters(cells, back_end)
    count = 0
    for event in np.unique(cells.event):
        for side in (1, -1):
            own = cells.chosen((cells.event == event) & (cells.zside == side))
            depth = np.abs(own.z)
            projected = list(zip(own.x / depth, own.y / depth, own.mip_pt, own.layer.tolist(), strict=True))
            find = cluster_twin.r_phi_seeds if back_end.seeding == "r-phi" else cluster_twin.x_y_seeds
            seeds = find(projected, back_end.threshold_mipt)
            plain = list(zip(own.x, own.y, own.z, own.layer.tolist(), own.mip_pt, own.pt, strict=True))
            expected = cluster_twin.clusters(plain, seeds, back_end.distance, back_end.fewest_gev)
            mine = np.flatnonzero((found.event == event) & (found.zside == side))
            assert len(mine) == len(expected)
            for row, (pt, eta, phi, by_layer) in zip(mine, expected, strict=True):
                assert (found.pt[row], found.eta[row], found.phi[row]) == pytest.approx((pt, eta, phi), rel=1e-12)
                full = [by_layer.get(layer, 0.0) for layer in layers.TRIGGER_LAYERS]
                assert found.layer_pt[row] == pytest.approx(full, rel=1e-12)
            count += len(mine)
    assert count == len(found.pt)
    return count


@pytest.mark.parametrize("back_end", BACK_ENDS, ids=lambda b: b.name)
def test_clusters_are_those_of_the_twin(events, back_end):
    assert check_against_twin(events, back_end) >= 6


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(BACK_ENDS))
def test_cells_of_few_places_and_charges_as_well(seed, back_end):
    check_against_twin(random_cells(seed), back_end)


def test_of_equal_neighbours_one_wins():
    flat = np.zeros((5, 6))
    flat[1:3, 2:4] = 9.0
    assert kernels._maxima(flat, 8.0, False).tolist() == [[1, 2]]
    flat = np.zeros((5, 6))
    flat[2, 5] = flat[2, 0] = 9.0  # neighbours where the circle closes
    assert len(kernels._maxima(flat, 8.0, True)) == 1
    assert len(kernels._maxima(flat, 8.0, False)) == 2
    assert len(kernels._maxima(np.full((5, 6), 9.0), 9.0, False)) == 0  # at the threshold is not above it
    one = np.zeros((5, 6))
    one[0, 0] = 9.0
    assert kernels._maxima(one, 8.0, False).tolist() == [[0, 0]]


@pytest.mark.parametrize("parts", [2, 4])
@pytest.mark.parametrize("back_end", BACK_ENDS[2:4], ids=lambda b: b.name)
def test_partitions_of_events_change_no_bit(events, back_end, parts):
    whole = find_clusters(events, back_end)
    shares = np.array_split(np.random.default_rng(parts).permutation(np.unique(events.event)), parts)
    pieces = [find_clusters(events.chosen(np.isin(events.event, share)), back_end) for share in shares]
    for one, other in zip(whole, joined(pieces), strict=True):
        assert one.dtype == other.dtype
        assert one.tobytes() == other.tobytes()


def test_a_cell_that_none_reaches_belongs_to_none_and_the_nearest_takes_it():
    cells = random_cells(1, 3)._replace(x=np.array([0.3, 0.3, 0.316]), y=np.array([0.1, 0.1, 0.1]), z=np.ones(3))
    seeds = np.array([[0.3, 0.1], [0.32, 0.1]])
    reach = np.full(51, 0.015)
    assert kernels.nearest_seeds(cells.x, cells.y, cells.layer, seeds, reach).tolist() == [0, 0, 1]
    assert kernels.nearest_seeds(cells.x + 0.1, cells.y, cells.layer, seeds, reach).tolist() == [-1, -1, -1]


def test_every_cell_of_the_detector_lies_in_the_histograms():
    known = wafers.modules()
    columns = {"layer": known.layer, "u": known.u, "v": known.v}
    columns |= {"event": np.zeros(len(known.u)), "zside": np.ones(len(known.u))}
    cells = trigger_cells(columns, np.full((len(known.u), 48), 35.1), 0.1)
    radius = np.hypot(cells.x, cells.y) / cells.z
    assert radius.min() > 0.076
    assert radius.max() < 0.58


def test_areas_by_hand():
    assert ring_areas()[0] == pytest.approx((0.58**2 - 0.076**2) / 2 * (1 + (1 - 1 / 64) / 2), rel=1e-12)
    assert ring_areas()[41] == pytest.approx(((0.58 + 41 * 0.504) ** 2 - 20.74**2) / 2 * 1.25, rel=1e-12)


def test_no_cells_give_no_clusters(events):
    none = find_clusters(events.chosen(np.zeros(len(events.event), bool)), BackEnd())
    assert (len(none.pt), none.layer_pt.shape) == (0, (0, 36))


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"seeding": "hexagons"}, "choose one of r-phi, x-y"),
        ({"distance": 0.0}, "distance 0.0"),
        ({"distance": float("nan")}, "distance nan"),
        ({"threshold_mipt": -1.0}, "0 or more"),
        ({"zero_suppression_mipt": float("nan")}, "0 or more"),
    ],
)
def test_a_back_end_that_cannot_be_is_refused(wrong, words):
    with pytest.raises(QcompressError, match=words):
        BackEnd(**wrong)
