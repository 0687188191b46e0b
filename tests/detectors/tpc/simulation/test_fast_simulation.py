"""The fast simulation: the same for the same seed, as full as asked for, and with the charges that are known of it."""

import numpy as np
import pytest

from qcompress.detectors.tpc import geometry, samples
from qcompress.detectors.tpc.simulation import electronics, fast_simulation, particles
from qcompress.detectors.tpc.simulation.parameters import PARAMETERS, REALISTIC

BINS = PARAMETERS.time_bins
FIRST = (38890, 678943.1875, 4954)
"""Digits, their charge and truth clusters of the first frame of seed 1 at 2 %, by version 1."""


@pytest.fixture(scope="module")
def frame():
    return fast_simulation.simulate_event("sector-5pc-v1", 1, 0)


def laid(particles, seed=1):
    """Charge of every cell, truth clusters (n, 10) and track numbers of particles in a frame of equal pads."""
    from qcompress.detectors.tpc.simulation import kernels

    cells = fast_simulation.empty_cells(np.full((geometry.SECTOR_PADS, BINS), 3, np.float32))
    clusters, recorded = np.empty((200_000, 10)), np.full(len(particles), -1)
    gain = np.ones(geometry.SECTOR_PADS, np.float32)
    _, found, _, done = kernels.lay(particles, seed, 0, np.inf, BINS, gain, cells, clusters, 0, recorded)
    assert done == len(particles)
    return cells[0].reshape(geometry.SECTOR_PADS, BINS), clusters[:found], recorded


def perpendicular(count, drift_cm, seed=0):
    """Pions of least ionisation and endless momentum's curvature, straight through the middle of pads' rows."""
    rng = np.random.default_rng(seed)
    z = geometry.DRIFT_LENGTH_CM - drift_cm
    born = rng.uniform(20, 100, count) - drift_cm / geometry.CM_PER_TIME_BIN
    columns = (np.full(count, particles.START_CM), rng.uniform(-8, 8, count), np.full(count, z), np.zeros(count))
    heavy = 30.0  # the same velocity as a pion of 0.49 GeV, hardly bent
    return np.column_stack([*columns, np.zeros(count), np.full(count, 3.5 * heavy), np.full(count, heavy),
                            np.zeros(count), born])  # fmt: skip


def test_an_event_depends_on_seed_kind_and_number_alone(tmp_path):
    for name, count, seed in (("a", 2, 3), ("b", 1, 3), ("c", 1, 3), ("d", 1, 4)):
        fast_simulation.simulate("sector-2pc-v1", count, seed, tmp_path / f"{name}.h5")
    assert (tmp_path / "b.h5").read_bytes() == (tmp_path / "c.h5").read_bytes()
    with samples.Handle(tmp_path / "a.h5") as more, samples.Handle(tmp_path / "b.h5") as fewer:
        a, b = more.frame(0), fewer.frame(0)
        for part in samples.PARTS:
            for name, column in getattr(a, part).items():
                assert (column == getattr(b, part)[name]).all(), (part, name)
        alone = fast_simulation.simulate_event("sector-2pc-v1", 3, 1)  # without the one before it
        assert (more.frame(1).digits["charge"] == alone.digits["charge"]).all()
        assert more.content_hash() != fewer.content_hash()
        assert more.origin["parameters_hash"] == PARAMETERS.digest()
        assert more.origin["version"] == 1
    with samples.Handle(tmp_path / "b.h5") as one, samples.Handle(tmp_path / "d.h5") as other:
        assert one.split_hash() == one.split_hash()
        assert one.frame(0).occupancy != other.frame(0).occupancy


@pytest.mark.parametrize(("percent", "version"), [(2, 1), (10, 1), (5, 2)])
def test_a_frame_is_as_full_as_asked_for(percent, version):
    made = fast_simulation.simulate_event(f"sector-{percent}pc-v{version}", 2, 5)
    assert made.occupancy == len(made.digits["row"]) / (geometry.SECTOR_PADS * BINS)
    assert percent / 100 - 0.001 < made.occupancy < percent / 100 + 0.004


def test_digits_are_sorted_lie_in_the_sector_and_on_the_grid_of_the_adc(frame):
    samples.check_digits("frame", frame.digits, frame.time_bins)
    charge = frame.digits["charge"]
    assert (charge * 16 == np.rint(charge * 16)).all()
    own = electronics.pads(1, 1)
    place = geometry.FIRST_PAD[frame.digits["row"]] + frame.digits["pad"]
    assert (charge >= 3 * own.noise[frame.sector][place]).all()
    assert (charge <= PARAMETERS.adc_most - own.pedestal[frame.sector][place]).all()
    share = frame.digits["share"]
    assert ((share > 0) == (frame.digits["track"] >= 0)).all()
    assert share.max() <= 1


def test_noise_is_on_every_pad_and_as_rare_as_three_sigma_are(frame):
    noise = frame.digits["track"] == -1
    pads = geometry.FIRST_PAD[frame.digits["row"][noise]] + frame.digits["pad"][noise]
    away = noise.sum() / (geometry.SECTOR_PADS * BINS)
    assert 0.0012 < away < 0.0035  # 0.135 % of a normal distribution, more after rounding of the ADC
    assert len(np.unique(pads)) > 1500


def test_clusters_hold_the_charge_of_the_cells_and_digits_know_their_tracks():
    cells, clusters, recorded = laid(perpendicular(12, 100.0))
    assert (recorded == np.arange(12)).all()
    assert clusters[:, 6].sum() == pytest.approx(cells.sum(), rel=2e-4)  # passages under 1 ADC are not kept
    one, truth, _ = laid(perpendicular(1, 100.0, seed=3))
    for row, pad, time, width, long, qtot, qmax in truth[:, [0, 2, 3, 4, 5, 6, 7]]:
        own = one[geometry.FIRST_PAD[int(row)] : geometry.FIRST_PAD[int(row) + 1]].astype(float)
        p, t = np.indices(own.shape)
        assert own.sum() == pytest.approx(qtot, rel=1e-5)
        assert own.max() == pytest.approx(qmax, rel=1e-5)
        for axis, mean, spread in ((p, pad, width), (t, time, long)):
            assert (own * axis).sum() / own.sum() == pytest.approx(mean, abs=1e-3)
            variance = (own * (axis - mean) ** 2).sum() / own.sum()
            assert variance == pytest.approx(spread**2, abs=1e-3)


def test_charge_of_a_mip_and_its_width_are_the_known_ones():
    """Mean (median) of qTot: 80 (59), 106 (80), 127 (99), 160 (130) ADC for rows of 0.75, 1.0, 1.2, 1.5 cm."""
    _, truth, _ = laid(perpendicular(80, 2.0))  # close to the pads: diffusion shares charge among rows
    height = geometry.PAD_HEIGHT_CM[truth[:, 0].astype(int)]
    for cm, mean, median in ((0.75, 80, 59), (1.0, 106, 80), (1.2, 127, 99), (1.5, 160, 130)):
        own = truth[height == cm, 6]
        own = own[own > 5]
        assert own.mean() == pytest.approx(mean, rel=0.08)
        assert np.median(own) == pytest.approx(median, rel=0.05)


@pytest.mark.parametrize("drift", [60.0, 220.0])
def test_electrons_spread_as_diffusion_and_pulse_say(drift):
    """Variance around the true place: diffusion and the pad's width; around the true time: diffusion and the pulse."""
    sums = np.zeros(5)
    for number in range(30):
        particle = perpendicular(1, drift, seed=number)
        particle[0, 1] = 12 * ((number * 0.6180339887) % 1 - 0.5)  # every place on a pad alike
        cells, _, _ = laid(particle, number + 1)
        row = np.repeat(np.arange(geometry.ROWS), geometry.PADS)
        pad = np.arange(geometry.SECTOR_PADS) - geometry.FIRST_PAD[row]
        across = (pad + 0.5 - geometry.PADS[row] / 2) * geometry.PAD_WIDTH_CM[row] - particle[0, 1]
        late = np.arange(BINS) - particle[0, 8] - drift / geometry.CM_PER_TIME_BIN
        of_pad, of_bin = cells.sum(axis=1), cells.sum(axis=0)
        square = of_pad @ (across**2 - geometry.PAD_WIDTH_CM[row] ** 2 / 12)
        sums += cells.sum(), of_pad @ across, square, of_bin @ late, of_bin @ late**2
    total, across, square, late, late_square = sums
    assert across / total == pytest.approx(0, abs=0.01)
    assert square / total == pytest.approx(geometry.SIGMA_T_CM**2 * drift, rel=0.07)
    peaking = 160 / geometry.TIME_BIN_NS
    assert late / total == pytest.approx(1.25 * peaking, abs=0.02)
    expected = geometry.SIGMA_L_CM**2 * drift / geometry.CM_PER_TIME_BIN**2 + 5 / 16 * peaking**2
    assert late_square / total - (late / total) ** 2 == pytest.approx(expected, rel=0.07)


def test_a_track_crosses_rows_as_its_direction_says(frame):
    known = frame.clusters
    curls = np.isin(known["track"], frame.tracks["track"][frame.tracks["looper"] == 1])
    straight = (known["qtot"] > 30) & ~curls & (np.abs(known["dpad_drow"]) < 1)
    track, row, pad, time = (known[name][straight] for name in ("track", "row", "pad", "time"))
    order = np.lexsort((row, track))
    region = geometry.REGION[row[order].astype(int)]
    near = (np.diff(track[order]) == 0) & (np.diff(row[order]) == 1) & (np.diff(region) == 0)
    width = geometry.PADS[row[order].astype(int)] / 2
    for column, slope in ((pad[order] - width, "dpad_drow"), (time[order], "dtime_drow")):
        moved = np.diff(column)[near]
        expected = known[slope][straight][order][:-1][near]
        assert np.median(np.abs(moved - expected)) < 0.35
        assert np.corrcoef(moved, expected)[0, 1] > 0.3


def test_the_looper_rule_is_what_it_says():
    """Against a search over all windows of 20 time bins x 3 pads."""
    from qcompress.detectors.tpc.simulation import kernels

    rng = np.random.default_rng(4)
    count = 300
    row, track = np.sort(rng.integers(0, 4, count)).astype(float), np.zeros(count)
    time, pad = rng.uniform(0, 400, count), rng.uniform(0, 12, count)
    order = np.lexsort((time, row))
    row, time, pad = row[order], time[order], pad[order]
    tagged = np.zeros(count, bool)
    kernels.tag_loopers(row, track, pad, time, PARAMETERS.looper_rule, tagged)
    expected = np.zeros(count, bool)
    for i in range(count):
        for j in range(count):
            inside = (row == row[i]) & (time >= time[i]) & (time < time[i] + 20) & (pad >= pad[j]) & (pad < pad[j] + 3)
            if row[j] == row[i] and inside.sum() >= 5:
                expected |= inside
    assert 20 < expected.sum() < 280
    assert (tagged == expected).all()


def test_version_1_gives_what_it_always_gave():
    """Sums of a frame of the first version, as its code was when it was the only one."""
    made = fast_simulation.simulate_event("sector-2pc-v1", 1, 0)
    charge = made.digits["charge"]
    assert (len(charge), float(charge.sum(dtype=float)), len(made.clusters["row"])) == FIRST
    assert fast_simulation.origin("sector-2pc-v1", 1)["parameters_hash"] == PARAMETERS.digest()


def test_tracks_of_version_2_say_where_they_come_from():
    made = fast_simulation.simulate_event("sector-5pc", 4, 0)
    said = fast_simulation.origin("sector-5pc", 4)
    assert (said["version"], said["parameters_hash"]) == (2, REALISTIC.digest())
    samples.check_digits("frame", made.digits, made.time_bins)
    assert set(np.unique(made.tracks["looper"])) == {particles.BEAM, particles.LOOPER, particles.DELTA}
    deltas = made.tracks["looper"] == particles.DELTA
    assert (made.tracks["pt"][deltas] < 0.0036).all()
    assert np.isfinite(made.clusters["qtot"]).all()
