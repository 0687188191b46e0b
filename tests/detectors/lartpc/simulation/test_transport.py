"""Charge on the planes: nothing is lost but what recombines, is attached, or leaves; widths are diffusion's."""

import numpy as np
import pytest

from qcompress.detectors.lartpc import samples
from qcompress.detectors.lartpc.presets import PRESETS
from qcompress.detectors.lartpc.simulation import transport
from qcompress.detectors.lartpc.simulation.recombination import box
from qcompress.detectors.lartpc.simulation.volume import volume_of

PRESET = PRESETS["protodune-sp"]
VOLUME = volume_of(PRESET)


def points(*rows):
    """Deposits: x, y, z [cm], time [us], MeV, MeV/cm, class, particle."""
    return np.array(rows, float)


def arrived(deposits):
    return transport.electrons_arriving(deposits, PRESET, VOLUME)


@pytest.mark.parametrize("x", [1.0, 100.0, 355.0])
@pytest.mark.parametrize("name", ["U", "V", "W"])
def test_charge_and_its_widths_are_those_of_the_drift(x, name):
    plane = PRESET.plane(name)
    given = arrived(points((x, 290.0, 114.7, 0, 2.0, 2.1, samples.TRACK, 3)))
    charge, truth = transport.on_plane(given, PRESET, VOLUME, plane)
    time = x / 0.1565
    expected = 2e6 / 23.6 * box(2.1, PRESET.field_kv_cm) * np.exp(-time / 35000)
    assert charge.sum() == pytest.approx(expected, rel=2e-3)
    wires, ticks = np.indices(charge.shape)
    mean, var = {}, {}
    for axis, cells in (("wire", wires), ("tick", ticks)):
        mean[axis] = (charge * (cells + 0.5)).sum() / charge.sum()
        var[axis] = (charge * (cells + 0.5 - mean[axis]) ** 2).sum() / charge.sum() - 1 / 12
    a, b, c = VOLUME.wires(plane)
    assert mean["wire"] == pytest.approx((a * 290 + b * 114.7 + c) % plane.wires, abs=0.03 if x > 90 else 0.5)
    assert mean["tick"] == pytest.approx(time / 0.5 + (4608 - 3600 / 1.565 / 0.5) / 2, abs=0.05)
    across, along = np.sqrt(2 * 12e-4 * time) / plane.pitch_mm, np.sqrt(2 * 7.2e-4 * time) / 1.565 / 0.5
    if x > 300:
        assert np.sqrt(var["wire"]) == pytest.approx(np.hypot(across, 0.1), rel=0.03)
        assert np.sqrt(var["tick"]) == pytest.approx(np.hypot(along, 0.5), rel=0.03)
    assert truth.charge.sum() == pytest.approx(charge.sum(), rel=0.02)
    assert charge[truth.wire, truth.tick] == pytest.approx(truth.charge, rel=1e-5)
    assert set(truth.kind) == {samples.TRACK}
    assert set(truth.particle) == {3}


def test_published_diffusion_at_the_end_of_a_drift():
    """2.25 ms at 7.2 and 12 cm2/s: 1.8 mm, which is 1.1 us, and 2.3 mm."""
    assert np.sqrt(2 * 7.2e-4 * 2250) == pytest.approx(1.8, abs=0.01)
    assert np.sqrt(2 * 12e-4 * 2250) == pytest.approx(2.3, abs=0.05)
    given = arrived(points((352.1, 290.0, 114.7, 0, 20.0, 2.1, samples.TRACK, 0)))
    charge, _ = transport.on_plane(given, PRESET, VOLUME, PRESET.plane("W"))
    profile = charge.sum(axis=0)
    ticks = np.arange(len(profile))
    mean = profile @ ticks / profile.sum()
    assert 0.5 * np.sqrt(profile @ (ticks - mean) ** 2 / profile.sum()) == pytest.approx(1.17, abs=0.05)


def test_a_pixel_is_of_the_class_and_the_particle_with_most_charge():
    kinds = (samples.TRACK, samples.DELTA, samples.SHOWER)
    rows = [(50.0, 100.0, 50.0, 0, 1.0 * share, 2.1, kind, number)
            for number, (kind, share) in enumerate(zip(kinds, (0.45, 0.3, 0.25), strict=True))]  # fmt: skip
    _, truth = transport.on_plane(arrived(points(*rows)), PRESET, VOLUME, PRESET.plane("W"))
    best = truth.charge.argmax()
    assert truth.kind[best] == samples.DELTA  # showers and delta rays together have more than the track
    assert truth.particle[best] == 0
    _, alone = transport.on_plane(arrived(points(*rows[:2])), PRESET, VOLUME, PRESET.plane("W"))
    assert set(alone.kind) == {samples.TRACK}


def test_what_is_outside_the_volume_or_the_window_is_lost():
    inside = (50.0, 100.0, 50.0, 0, 1.0, 2.1, samples.TRACK, 0)
    outside = [(-1.0, *inside[1:]), (50.0, 599.0, *inside[2:]), (50.0, 100.0, 231.0, *inside[3:])]
    assert len(arrived(points(inside, *outside))) == 1
    late = (*inside[:3], 3000.0, *inside[4:])
    charge, truth = transport.on_plane(arrived(points(late)), PRESET, VOLUME, PRESET.plane("W"))
    assert charge.sum() == 0
    assert len(truth.wire) == 0


def test_induction_wires_are_wrapped_around():
    a, b, c = VOLUME.wires(PRESET.plane("U"))
    corner = a * VOLUME.height + b * VOLUME.length + c
    assert 1140 < corner < 1150  # wires of a face that 800 channels read
    charge, _ = transport.on_plane(
        arrived(points((10.0, 590.0, 225.0, 0, 1.0, 2.1, samples.TRACK, 0))), PRESET, VOLUME, PRESET.plane("U")
    )
    assert charge.sum(axis=1).argmax() == int(a * 590 + b * 225 + c) - 800
    for name in "UV":
        a, b, c = VOLUME.wires(PRESET.plane(name))
        ends = [a * y + b * z + c for y in (0, VOLUME.height) for z in (0, VOLUME.length)]
        assert min(ends) == pytest.approx(0, abs=1e-9)
