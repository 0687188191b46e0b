"""Numberings and places of the trigger cells against the public files."""

import numpy as np
import pandas as pd

from qcompress.detectors.hgcal import geometry


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
