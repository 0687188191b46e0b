"""Numberings and places of the trigger cells against the public files."""

import numpy as np
import pandas as pd
import pytest

from qcompress.detectors.hgcal.module import geometry, layers, wafers
from qcompress.detectors.hgcal.simulation import sensors


def test_train_order_and_wiring_are_the_modules_mapping(data_file):
    mapping = pd.read_csv(data_file("hgcal/LDM_TC_Mapping.csv"))
    assert (mapping["TC_Number"] == np.arange(48)).all()
    assert (mapping[["TC_U", "TC_V"]].to_numpy() == geometry.TRAIN_UV).all()
    assert (mapping["ECON_TC_Number_PreMux"].to_numpy() == geometry.CHANNEL_OF_TRAIN).all()
    assert (mapping["ECON_TC_Number_PostMux"].to_numpy() == geometry.STC_OF_TRAIN).all()
    for size in (4, 16):
        groups = size * mapping[f"STC{size}_Number"] + mapping[f"STC{size}_Idx"]
        assert (groups.to_numpy() == geometry.STC_OF_TRAIN).all()
    assert (geometry.STC_CHANNEL[geometry.STC_OF_TRAIN] == geometry.CHANNEL_OF_TRAIN).all()


def test_centres_are_those_of_the_file_up_to_its_origin(data_file):
    table = pd.read_csv(data_file("hgcal/tc_uv_to_xy.csv"))
    places = {(int(u), int(v)): (x, y) for u, v, x, y in table.to_numpy()}
    residual = np.array([places[tuple(uv)] for uv in geometry.TRAIN_UV.tolist()]) - geometry.tc_xy()
    spread = np.abs(residual - residual.mean(axis=0)).max()
    print(f"origin of the file at {residual.mean(axis=0)} cm, residuals up to {spread * 1e4:.2f} um")
    assert spread < 1e-4


def test_the_thirds_are_turned_into_each_other():
    turn = np.array([[-0.5, -np.sqrt(0.75)], [np.sqrt(0.75), -0.5]])
    places = geometry.tc_xy()
    for angle in (turn, turn @ turn):
        distance = np.linalg.norm((places @ angle.T)[:, None] - places[None], axis=2)
        assert distance.min(axis=1).max() < 1e-12


def test_image_holds_every_cell_once_in_the_published_order():
    first_row, fifth_row = [28, 29, 30, 31, 0, 4, 8, 12], [47, 43, 39, 35, -1, -1, -1, -1]
    assert geometry.IMAGE_TRAIN[0].tolist() == first_row
    assert geometry.IMAGE_TRAIN[4].tolist() == fifth_row
    assert geometry.IMAGE_TRAIN[3].tolist() == [16, 17, 18, 19, 3, 7, 11, 15]
    assert geometry.IMAGE_TRAIN[7].tolist() == [44, 40, 36, 32, -1, -1, -1, -1]
    assert sorted(geometry.AE_TRAIN) == list(range(48))
    assert sorted(geometry.CHANNEL_OF_TRAIN) == list(range(48))


def test_orders_translate_into_each_other():
    channels = np.arange(48)[None]
    ae_ordered = channels[:, geometry.AE_CHANNEL]
    assert (geometry.ae_to_train(ae_ordered) == geometry.channels_to_train(channels)).all()


def test_cost_is_a_metric_in_half_pitches():
    cost = geometry.emd_cost()
    assert (cost == cost.T).all()
    assert (np.diag(cost) == 0).all()
    assert (cost[:, :, None] <= cost[:, None, :] + cost.T[None] + 1e-12).all()
    nearest = np.sort(cost + 99 * np.eye(48), axis=1)[:, 0] * geometry.FIELD_HALF_PITCH_CM
    assert nearest.min() > 2.11
    assert nearest.max() <= geometry.TC_PITCH_CM + 1e-12


HOT = {(7, 4): (29, -1.0900, 7.6759), (1, 0): (15, 7.2320, -2.7344), (0, 3): (38, 0.2970, -8.3399)}
"""Channel and place [cm] of three trigger cells of different thirds, copied by hand from the two public files."""
ORIGIN = (0.0658, 0.0684)
"""Mean of all places in the file of positions [cm], by hand."""
WAFER = (9, 3, 1, 2.7206213, 2.8079712)
"""Layer, u, v, eta, phi of a wafer, by hand from the public map of V11 wafers."""


def test_asymmetric_hot_cells_lie_where_the_files_say():
    """Cell to channel to place in the module, and a track there to the same channel of the same wafer."""
    layer, u, v, eta, phi = WAFER
    radius = 333.98 / np.sinh(eta)  # layer 9 by the stack: 325.07 + 3 x 2.97 cm
    known = wafers.modules()
    own = wafers.lookup()[layer, u + wafers.REACH, v + wafers.REACH]
    for number, (uv, (channel, x, y)) in enumerate(HOT.items()):
        train = geometry.TRAIN_UV.tolist().index(list(uv))
        assert geometry.CHANNEL_OF_TRAIN[train] == channel
        place = np.array([x - ORIGIN[0], y - ORIGIN[1]])
        assert np.hypot(*(geometry.tc_xy_channels()[channel] - place)) < 3e-4
        centre = radius * np.array([np.cos(phi), np.sin(phi)])
        assert np.hypot(*(known.centre[own] - centre)) < 0.006 * radius  # the map averages over hits
        endcap = sensors.Endcap()
        last = np.full(1, len(layers.TRIGGER_LAYERS))
        endcap.cross((centre + place)[None], np.zeros((1, 2)), last, np.ones(1, bool), number)
        hits = endcap.collect(1, number, np.ones(len(known.layer), bool))
        struck = hits.module[hits.signal.any(axis=1)]
        assert (struck == own).sum() == 1
        assert hits.signal[hits.module == own][0].argmax() == channel


def test_cells_tile_the_plane_with_their_neighbours_only_as_they_lie():
    """Turned by 30 degrees against the wafers' lattice cells of neighbours would overlap; 60 degrees cannot be told."""
    around = [(1, 0), (0, 1), (1, 1), (-1, 0), (0, -1), (-1, -1)]
    centres = [wafers.centre_cm(9, u, v) - wafers.centre_cm(9, 0, 0) for u, v in around]
    nearest = {}
    for angle in (0, 15, 30, 45, 60):
        c, s = np.cos(np.radians(angle)), np.sin(np.radians(angle))
        own = geometry.tc_xy() @ np.array([[c, s], [-s, c]])
        others = np.concatenate([own + centre for centre in centres])
        nearest[angle] = np.linalg.norm(own[:, None] - others[None], axis=2).min()
    print("\nnearest cells across modules [cm], frame turned by", {a: round(float(d), 3) for a, d in nearest.items()})
    assert nearest[0] == pytest.approx(2.217, abs=0.001)  # cells within a module: 2.12 to 2.40
    assert nearest[60] == pytest.approx(nearest[0], abs=1e-3)
    assert max(nearest[a] for a in (15, 30, 45)) < 1.9
