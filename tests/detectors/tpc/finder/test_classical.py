"""The classical finder: every rule on a charge map made for it, and the plain twin on random maps."""

import numpy as np
import pytest
from helpers.finder_twin import Map

from qcompress.detectors.tpc import geometry
from qcompress.detectors.tpc.finder import classical
from qcompress.errors import QcompressError

NPADS = 30
SINGLE, EDGE, SPLIT_PAD, SPLIT_TIME = classical.SINGLE, classical.EDGE, classical.SPLIT_PAD, classical.SPLIT_TIME


def found(digits, npads=NPADS, **options):
    """Clusters of one map {(pad, time): charge}, by peak: dicts of their numbers. The twin must say the same."""
    cells = np.array(list(digits), int).reshape(-1, 2)
    row, charge = np.zeros(len(cells), int), list(digits.values())
    got = classical.find(row, cells[:, 0], cells[:, 1], charge, pads=np.array([npads]), **options)
    numbers = np.column_stack(got[1:])
    assert [tuple(line) for line in numbers.tolist()] == [tuple(map(int, c)) for c in Map(digits, npads).clusters()]
    names = classical.Clusters._fields[1:]
    return {(line[0], line[1]): dict(zip(names, line, strict=True)) for line in numbers.tolist()}


def blob(pad, time, peak, beside=None):
    """A peak with its eight neighbours at a third of it, or at `beside`."""
    around = peak / 3 if beside is None else beside
    cells = {(pad + p, time + t): around for p in (-1, 0, 1) for t in (-1, 0, 1)}
    return cells | {(pad, time): peak}


def test_a_lone_cell_is_a_cluster_of_no_width_if_its_charge_is_enough():
    (cluster,) = found({(10, 20): 40.0}).values()
    assert cluster == {
        "peak_pad": 10, "peak_time": 20, "pad_64": 640, "time_64": 1280, "sigma_pad_32": 0, "sigma_time_32": 0,
        "qmax": 40, "qtot": 40, "flags": SINGLE, "rejected": 0,
    }  # fmt: skip


def test_charges_are_truncated_to_a_sixteenth_and_clamped():
    assert classical.codes([0.0624, 0.0625, 5.2, 1023.9, 1023.95, 5000.0]).tolist() == [0, 1, 83, 16382, 16383, 16383]
    assert classical.codes([10.0], [1.05]).tolist() == [168]
    (cluster,) = found({(10, 20): 5000.0}).values()
    assert (cluster["qmax"], cluster["qtot"]) == (1023, 1024)


def test_a_peak_is_above_three_counts():
    assert not found({(10, 20): 3.0, (10, 21): 2.9, (11, 20): 2.9})
    assert found({(10, 20): 3.0625, (10, 21): 2.9, (11, 20): 2.9})


@pytest.mark.parametrize("offset", [(-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1)])
def test_of_two_equal_neighbours_the_later_one_is_the_peak(offset):
    p, t = 10 + offset[0], 20 + offset[1]
    assert list(found({(10, 20): 50.0, (p, t): 50.0})) == [max((10, 20), (p, t))]


def test_a_tie_is_one_of_truncated_charges():
    assert list(found({(10, 20): 50.05, (10, 21): 50.0})) == [(10, 21)]
    assert list(found({(10, 20): 50.0625, (10, 21): 50.0})) == [(10, 20)]


@pytest.mark.parametrize(
    ("offset", "between"),
    [
        ((2, 0), [(1, 0)]), ((-2, 0), [(-1, 0)]), ((2, 1), [(1, 1)]), ((-2, 1), [(-1, 1)]), ((2, -1), [(1, -1)]),
        ((2, 2), [(1, 1)]), ((-2, -2), [(-1, -1)]), ((1, 2), [(1, 1)]), ((-1, 2), [(-1, 1)]), ((1, -2), [(1, -1)]),
        ((2, 3), [(1, 1), (1, 2)]), ((-2, 3), [(-1, 1), (-1, 2)]), ((1, 3), [(1, 1), (1, 2)]),
        ((1, -3), [(1, -1), (1, -2)]), ((0, 2), [(0, 1)]), ((0, -2), [(0, -1)]), ((0, 3), [(0, 1), (0, 2)]),
        ((0, -3), [(0, -1), (0, -2)]),
    ],
)  # fmt: skip
def test_a_bigger_peak_kills_unless_a_minimum_lies_between(offset, between):
    p, t = 10, 20
    other = (p + offset[0], t + offset[1])
    filled = {(p + a, t + b): 45.0 for a in range(-1, 2) for b in range(-2, 3)}
    digits = {**filled, (p, t): 50.0, other: 90.0}
    assert list(found(digits)) == [other]
    for way in between:  # a minimum in any one of the cells between saves it
        assert sorted(found({**digits, (p + way[0], t + way[1]): 30.0})) == sorted([(p, t), other])
    elsewhere = {(p + a, t + b): 30.0 for a in range(-1, 2) for b in range(-2, 3) if (a, b) not in between}
    assert (p, t) not in found({**digits, **elsewhere, (p, t): 50.0, other: 90.0})


def test_peaks_out_of_the_window_or_equal_do_not_kill():
    filled = {(p, t): 45.0 for p in range(6, 15) for t in range(14, 27)}
    for offset in ((3, 0), (0, 4), (2, 4)):
        other = (10 + offset[0], 20 + offset[1])
        assert (10, 20) in found({**filled, (10, 20): 50.0, other: 90.0})
    assert len(found({**filled, (10, 20): 50.0, (12, 20): 50.0}).keys() & {(10, 20), (12, 20)}) == 2


def test_a_minimum_is_ten_counts_and_a_share_below():
    """76/255 of 200 is 59.6: a cell at 141 is no minimum, one at 140 is. Of 20, more than ten must lie between."""
    for q, no, yes in ((200.0, 140.4375, 140.375), (20.0, 10.0, 9.9375)):
        for between, peaks in ((no, 1), (yes, 2)):
            digits = {(10, 20): q, (11, 20): between, (12, 20): q + 10}
            assert len(found(digits)) == peaks


def test_a_peak_that_is_killed_still_kills():
    digits = {(10, 20): 50.0, (11, 20): 45.0, (12, 20): 60.0, (13, 20): 55.0, (14, 20): 70.0}
    assert list(found(digits)) == [(14, 20)]


def test_charge_between_two_peaks_is_shared_and_flagged():
    digits = {**blob(10, 20, 90.0), **blob(12, 20, 90.0), (11, 20): 33.0}
    left, right = found(digits).values()
    assert (left["flags"], right["flags"]) == (SPLIT_PAD | SPLIT_TIME, SPLIT_PAD | SPLIT_TIME)
    assert left["qtot"] == right["qtot"] == 287  # 90 + 5 x 30 + 2 x 15 + 16.5, and floor(Q + 0.5)
    assert left["pad_64"] < 640
    assert right["pad_64"] > 768
    late, later = found(
        {**blob(10, 20, 90.0), **blob(10, 22, 90.0), (10, 21): 33.0, (9, 21): 0.5, (11, 21): 0.5}
    ).values()
    assert late["flags"] == later["flags"] == SPLIT_PAD | SPLIT_TIME
    (plain,) = found(blob(10, 20, 90.0)).values()
    assert (plain["flags"], plain["qtot"]) == (0, 330)


def test_only_pad_or_only_time_is_flagged_where_the_shared_cell_lies():
    digits = {(10, 20): 90.0, (11, 20): 30.0, (12, 20): 90.0}
    assert [c["flags"] for c in found(digits).values()] == [SPLIT_PAD | SINGLE, SPLIT_PAD | SINGLE]
    digits = {(10, 20): 90.0, (10, 21): 30.0, (10, 22): 90.0}
    assert [c["flags"] for c in found(digits).values()] == [SPLIT_TIME | SINGLE, SPLIT_TIME | SINGLE]


def test_a_shared_cell_is_divided_by_all_its_peaks_rounding_down():
    """The cell (11, 21) in the middle of four peaks: 10.0625 ADC are 161 sixteenths, 40 for each."""
    digits = {(10, 20): 90.0, (12, 20): 90.0, (10, 22): 90.0, (12, 22): 90.0, (11, 21): 10.0625}
    clusters = found(digits)
    assert len(clusters) == 4
    twin = Map(digits, NPADS)
    twin.divide(twin.survivors(twin.peaks()))
    assert twin.divided[11, 21] == 40
    assert {c["qtot"] for c in clusters.values()} == {93}  # 92.5, and floor(Q + 0.5)


def test_the_ring_is_read_only_behind_an_inner_cell_with_charge():
    assert found({(10, 20): 90.0, (12, 20): 9.0})[10, 20]["qtot"] == 90
    assert found({(10, 20): 90.0, (11, 20): 20.0, (12, 20): 9.0})[10, 20]["qtot"] == 119
    assert found({(10, 20): 90.0, (11, 20): 20.0, (12, 21): 9.0})[10, 20]["qtot"] == 110  # behind (11, 21), empty
    assert found({(10, 20): 90.0, (11, 21): 20.0, (12, 21): 9.0})[10, 20]["qtot"] == 119


def test_a_ring_cell_of_another_peak_is_left_out_even_unshared():
    """(12, 20) lies in the 3x3 of the peak at (13, 20): its charge is that peak's."""
    digits = {(10, 20): 90.0, (11, 20): 20.0, (12, 20): 15.0, (13, 20): 80.0}
    clusters = found(digits)
    assert clusters[10, 20]["qtot"] == 110
    assert clusters[13, 20]["qtot"] == 95  # (11, 20) lies in the other one's
    assert clusters[13, 20]["flags"] & SPLIT_PAD == 0


def test_the_first_and_last_two_pads_are_the_edge():
    for pad, edge in ((0, True), (1, True), (2, False), (27, False), (28, True), (29, True)):
        (cluster,) = found({(pad, 20): 90.0, (pad, 21): 30.0}).values()
        assert bool(cluster["flags"] & EDGE) == edge


def test_at_an_edge_the_centre_is_not_drawn_inwards_and_widths_stay():
    (middle,) = found({(10, 20): 90.0, (11, 20): 45.0, (10, 21): 1.0}).values()
    (left,) = found({(1, 20): 90.0, (2, 20): 45.0, (1, 21): 1.0}).values()
    (right,) = found({(28, 20): 90.0, (27, 20): 45.0, (28, 21): 1.0}).values()
    assert middle["pad_64"] > 640
    assert (left["pad_64"], right["pad_64"]) == (64, 28 * 64)
    assert left["sigma_pad_32"] == right["sigma_pad_32"] == middle["sigma_pad_32"] > 0
    (outwards,) = found({(1, 20): 90.0, (0, 20): 45.0, (1, 21): 1.0}).values()
    assert outwards["pad_64"] < 64
    (beyond,) = found({(28, 20): 90.0, (29, 20): 45.0, (28, 21): 1.0}).values()
    assert beyond["pad_64"] > 28 * 64


def test_qtot_is_rounded_and_five_is_too_little():
    assert found({(10, 20): 5.4375})[10, 20]["rejected"] == 1
    assert found({(10, 20): 5.5})[10, 20] | {"rejected": 0, "qtot": 6, "qmax": 5} == found({(10, 20): 5.5})[10, 20]


def test_time_has_room_for_long_frames_and_no_more():
    (cluster,) = found({(10, 200_000): 90.0}).values()
    assert cluster["time_64"] == 64 * 200_000
    with pytest.raises(QcompressError, match="262145 time bins"):
        classical.find([0], [1], [classical.TIME_LIMIT], [9.0])


def test_other_rows_and_their_gain_are_apart():
    row, pad, time = np.array([0, 151, 151]), np.array([65, 137, 136]), np.array([5, 5, 5])
    gain = np.ones(geometry.SECTOR_PADS, np.float32)
    gain[geometry.FIRST_PAD[151] + 137] = 0.5
    got = classical.find(row, pad, time, [40.0, 40.0, 30.0], gain)
    assert got.row.tolist() == [0, 151]
    assert got.peak_pad.tolist() == [65, 136]
    assert got.qtot.tolist() == [40, 50]
    cells = classical.charge_map(row, pad, time, [40.0, 40.0, 30.0], gain, time_bins=9)
    assert cells.shape == (152, 138, 9)
    assert (cells[151, 137, 5], cells[151, 136, 5], cells[0, 65, 5], cells.sum()) == (320, 480, 640, 1440)
    assert [column.tolist() for column in classical.peaks(row, pad, time, [40.0, 40.0, 30.0], gain)] == [
        [0, 151], [65, 136], [5, 5],
    ]  # fmt: skip


def test_noisy_pads_give_no_peaks_but_their_charge_is_still_added():
    quiet = {(10, t): 20.0 for t in range(40)}
    digits = quiet | {(10, 20): 60.0, (11, 20): 90.0, (9, 20): 30.0}
    row, cells, charge = np.zeros(len(digits), int), np.array(list(digits)), list(digits.values())
    for veto, peaks in ((False, {(11, 20), (10, 39)}), (True, {(11, 20)})):
        settings = classical.Settings(noisy_pads=veto)
        got = classical.find(row, *cells.T, charge, pads=np.array([NPADS]), settings=settings)
        assert set(zip(got.peak_pad.tolist(), got.peak_time.tolist(), strict=True)) == peaks
        if veto:
            assert got.qtot.tolist() == [90 + 20 + 60 + 20]  # and nothing from behind the noisy pad
    strong = digits | {(10, 30): 700.0}
    row, cells, charge = np.zeros(len(strong), int), np.array(list(strong)), list(strong.values())
    got = classical.find(row, *cells.T, charge, pads=np.array([NPADS]), settings=classical.Settings(noisy_pads=True))
    assert (10, 30) in set(zip(got.peak_pad.tolist(), got.peak_time.tolist(), strict=True))


def test_frames_without_digits_and_bad_digits():
    assert len(classical.find([], [], [], []).row) == 0
    assert classical.charge_map([], [], [], [], time_bins=7).sum() == 0
    for digit, said in (
        ((0, 66, 5, 9.0), "lies outside the detector"),
        ((152, 6, 5, 9.0), "lies outside the detector"),
        ((-1, 6, 5, 9.0), "lies outside the detector"),
        ((0, 6, -5, 9.0), "lies outside the detector"),
        ((0, 6, 5, -9.0), "is negative or none"),
        ((0, 6, 5, float("nan")), "is negative or none"),
    ):
        with pytest.raises(QcompressError, match=said):
            classical.find(*([value] for value in digit))
    with pytest.raises(QcompressError, match="row 0, pad 6, time 5 stands twice"):
        classical.find([0, 0], [6, 6], [5, 5], [9.0, 8.0])


def random_maps(kind, count, rng):
    """Maps of 16 pads x 40 bins, dense or sparse, with blobs, with few charge values so that ties abound."""
    for _ in range(count):
        filled = rng.random((16, 40)) < {"dense": 0.95, "noisy": 0.35, "tied": 0.8, "blobs": 0.6}[kind]
        if kind == "tied":
            charge = rng.choice([0.0, 0.05, 0.0625, 2.0, 3.0, 3.0625, 20.0, 30.0, 31.0, 60.0, 2000.0], (16, 40))
        else:
            charge = rng.exponential({"dense": 30, "noisy": 6, "blobs": 2}[kind], (16, 40))
        if kind == "blobs":
            for _ in range(int(rng.integers(1, 14))):
                p, t = rng.uniform(0, 16), rng.uniform(0, 40)
                width, long = rng.uniform(0.3, 1.5, 2)
                place = np.indices((16, 40))
                shape = np.exp(-((place[0] - p) ** 2) / 2 / width**2 - (place[1] - t) ** 2 / 2 / long**2)
                charge += rng.exponential(80) * shape
        cells = np.argwhere(filled)
        yield cells, charge[filled].astype(np.float32)


def differences(maps, settings=classical.DEFAULTS, bins=None):
    """How many digits and clusters were compared, and in how many clusters finder and twin differ."""
    maps = list(maps)
    row = np.repeat(np.arange(len(maps)), [len(cells) for cells, _ in maps])
    cells, charge = np.concatenate([cells for cells, _ in maps]), np.concatenate([charge for _, charge in maps])
    pads = np.full(len(maps), 16)
    got = classical.find(row, *cells.T, charge, pads=pads, settings=settings, time_bins=bins)
    numbers = np.column_stack(got)
    wrong = total = 0
    for number, (own, charges) in enumerate(maps):
        digits = dict(zip(map(tuple, own.tolist()), charges, strict=True))
        expected = [tuple(map(int, c)) for c in Map(digits, 16, bins=bins, veto=settings.noisy_pads).clusters()]
        mine = {tuple(line) for line in numbers[numbers[:, 0] == number][:, 1:].tolist()}
        wrong += len(mine ^ set(expected))
        total += len(expected)
    return len(row), total, wrong


@pytest.mark.parametrize("kind", ["dense", "noisy", "tied", "blobs"])
def test_the_compiled_finder_is_the_plain_twin(kind):
    digits, clusters, wrong = differences(random_maps(kind, 12, np.random.default_rng(5)))
    assert wrong == 0
    assert digits > 2000
    assert clusters > 150


def test_the_twin_has_the_veto_of_noisy_pads_too():
    settings = classical.Settings(noisy_pads=True)
    _, with_veto, wrong = differences(random_maps("noisy", 15, np.random.default_rng(6)), settings, 40)
    _, without, _ = differences(random_maps("noisy", 15, np.random.default_rng(6)))
    assert wrong == 0
    assert with_veto != without


@pytest.mark.campaign
@pytest.mark.parametrize("kind", ["dense", "noisy", "tied", "blobs"])
def test_no_cluster_differs_on_a_quarter_of_a_million_digits(kind):
    rng, done, total = np.random.default_rng(7), 0, 0
    while done < 250_000:
        digits, clusters, wrong = differences(random_maps(kind, 50, rng))
        assert wrong == 0
        done, total = done + digits, total + clusters
    print(f"{kind}: {done} digits, {total} clusters, 0 differences")
