"""Layers and wafers of geometry V11, against public maps of wafers, modules and trigger cells."""

import numpy as np
import pandas as pd
import pytest

from qcompress.detectors.hgcal.module import geometry, layers, wafers
from qcompress.errors import QcompressError


def test_layers_have_the_published_depth_and_order():
    every = np.arange(1, 51)
    assert (np.diff(layers.z_cm(every)) > 0).all()
    x0, interaction = layers.depths()
    assert x0[27] == pytest.approx(25.5, abs=0.05)
    assert interaction[27] == pytest.approx(1.55, abs=0.02)
    assert 8.5 < interaction[-1] < 10.7
    assert layers.TRIGGER_LAYERS.tolist() == [*range(1, 28, 2), *range(29, 51)]
    assert layers.is_trigger_layer([2, 27, 29]).tolist() == [False, True, True]
    assert layers.dedx_weight_mev(28) == 32.332097
    assert layers.dedx_weight_mev(50) == 86.92952
    assert layers.thickness_correction([28, 29]).tolist() == [0.77, 0.84]
    with pytest.raises(QcompressError, match="layer 51: silicon layers are 1 to 50"):
        layers.z_cm([1, 51])


def public_wafers(data_file):
    """The public map, and the radius and azimuth it gives each wafer."""
    found = pd.read_csv(data_file("hgcal/WaferEtaPhiMap.csv"))
    return found, layers.z_cm(found.layer) / np.sinh(found.tc_eta), found.tc_phi


def test_wafers_are_those_of_the_public_map(data_file):
    found, _, _ = public_wafers(data_file)
    given = set(zip(found.layer, found.waferu, found.waferv, strict=True))
    known = wafers.modules()
    own = set(zip(known.layer.tolist(), known.u.tolist(), known.v.tolist(), strict=True))
    per_layer = {
        layer: (len({w for w in given - own if w[0] == layer}), len({w for w in own - given if w[0] == layer}))
        for layer in layers.TRIGGER_LAYERS
    }
    print("layer: (in the map alone, here alone)", per_layer)
    assert all(per_layer[layer] == (0, 0) for layer in range(9, 20, 2))
    assert len(given - own) < 0.02 * len(given)
    assert len(own - given) < 0.05 * len(given)
    assert sum(sum(pair) for layer, pair in per_layer.items() if layer <= 28) <= 66


def test_centres_agree_with_the_public_map(data_file):
    """The map averages over hits: radii come out a little smaller, more so behind; azimuths wrap at pi."""
    found, radius, phi = public_wafers(data_file)
    centre = wafers.centre_cm(found.layer, found.waferu, found.waferv)
    own = np.hypot(*centre.T)
    whole = wafers.existing_cells(found.layer, found.waferu, found.waferv).all(axis=1)
    turn = np.angle(np.exp(1j * (phi - np.arctan2(centre[:, 1], centre[:, 0]))))
    front = (whole & (found.layer <= 7)).to_numpy()
    print("radius, median ratio:", np.median((radius / own)[front]), "rms across [cm]", np.std((turn * own)[front]))
    assert np.median((radius / own)[front]) == pytest.approx(0.9957, abs=0.001)
    assert np.median(np.abs(radius - own)[front]) < 0.45
    assert np.median(np.abs(turn * own)[front]) < 0.2
    everywhere = whole & (own > 40)
    assert (
        np.median(
            np.abs(np.hypot(radius * np.cos(phi) - centre[:, 0], radius * np.sin(phi) - centre[:, 1]))[everywhere]
        )
        < 1.2
    )


def test_the_newer_geometry_has_another_lattice_and_is_not_mixed_in(data_file):
    """The file of 26 + 21 planes: millimetres, x mirrored between odd and even planes of CE-E, gaps of cassettes."""
    newer = pd.read_csv(data_file("hgcal/geometry_hgcal.txt"), sep=" ")
    for plane, sign in ((1, 1), (2, -1), (25, 1), (26, -1)):
        full = newer[(newer.plane == plane) & newer.itype.isin(["FI", "FM", "FO"])]
        design = np.column_stack([full.u, full.v, np.ones(len(full))])
        x, y = (np.linalg.lstsq(design, full[axis], rcond=None)[0] for axis in ("x0", "y0"))
        assert x[0] * sign == pytest.approx(168.07, abs=0.1)
        assert y[1] == pytest.approx(168.07 * np.sqrt(3) / 2, abs=0.15)
        residual = np.hypot(design @ x - full.x0, design @ y - full.y0)
        assert residual.max() < 2.5
    inner = newer[newer.HDorLD == 1]
    assert newer.plane.nunique() == 47
    assert np.hypot(inner.x0, inner.y0).max() < 780
    assert inner.plane.max() == 33


def test_asymmetric_hot_cells_lie_where_the_files_say(data_file):
    """(u, v) and centimetres copied by hand from the files of trigger cells."""
    by_hand = {(4, 7): (-7.331557, -3.134741), (5, 7): (-7.331553, -0.732374), (6, 7): (-7.331549, 1.669992)}
    places = pd.read_csv(data_file("hgcal/tc_uv_to_xy.csv")).set_index(["tc_cellu", "tc_cellv"])
    wiring = pd.read_csv(data_file("hgcal/LDM_TC_Mapping.csv")).set_index(["TC_U", "TC_V"])
    shift = geometry.tc_xy().mean(axis=0) - places[["tc_x", "tc_y"]].to_numpy().mean(axis=0)
    for (u, v), centimetres in by_hand.items():
        channel = wiring.loc[(u, v), "ECON_TC_Number_PreMux"]
        np.testing.assert_allclose(geometry.tc_xy_channels()[channel] - shift, centimetres, atol=2e-3)
    residual = []
    for number, (u, v) in enumerate(geometry.TRAIN_UV):
        residual.append(geometry.tc_xy()[number] - shift - places.loc[(u, v)].to_numpy())
    print("trigger cells, largest residual [cm]:", np.abs(residual).max())
    assert np.abs(residual).max() < 2e-3


def test_cut_wafers_lose_the_cells_outside_and_types_say_so():
    known = wafers.modules()
    radius = np.hypot(
        known.centre[:, :1] + geometry.tc_xy_channels()[:, 0], known.centre[:, 1:] + geometry.tc_xy_channels()[:, 1]
    )
    front = known.layer == 1
    assert ((radius[front] >= 32) & (radius[front] <= 146) == known.cells[front]).all()
    full = known.cells.all(axis=1)
    assert (known.module_type[full] < 3).all()
    assert (known.module_type[~full] >= 3).all()
    assert ((known.module_type % 3 == 0) == known.high_density).all()
    assert not known.high_density[known.layer > 40].any()
    assert 0.15 < (~full).mean() < 0.35
    table = wafers.lookup()
    assert (table[known.layer, known.u + wafers.REACH, known.v + wafers.REACH] == np.arange(len(full))).all()
    assert (table >= 0).sum() == len(full)
