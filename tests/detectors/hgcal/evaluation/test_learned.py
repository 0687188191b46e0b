"""What is learned of training modules alone, and how much nearer the rest comes with it."""

import numpy as np

from qcompress.detectors import TEST, TRAIN
from qcompress.detectors.hgcal import samples
from qcompress.detectors.hgcal.evaluation.algorithms import CHIP
from qcompress.detectors.hgcal.evaluation.events import LinkAllocation, modules
from qcompress.detectors.hgcal.evaluation.learned import Regressions, learn
from qcompress.detectors.hgcal.module import geometry
from qcompress.detectors.hgcal.simulation import fast_simulation
from qcompress.metrics.emd import emd


def test_regressions_decode_better_than_equal_shares_and_know_no_test_event(tmp_path):
    path, links = tmp_path / "axis.h5", LinkAllocation(2)
    fast_simulation.simulate("electron-200pu-axis", 200, 3, path)
    sample = samples.read(path)
    learned = learn(path, links)
    columns = {name: column[sample.columns["split"] == TEST][:300] for name, column in sample.columns.items()}
    given = modules(columns, links)
    codecs, truth = learned.regressions.codecs(), geometry.channels_to_train(given.charge)

    def mean(codec):
        return emd(truth, geometry.channels_to_train(codec.transverse(given)), geometry.emd_cost()).mean()

    assert mean(codecs["bc-linear"]) < mean(CHIP["bc-equal"]) < mean(CHIP["bc"])
    assert mean(codecs["stc-linear"]) < mean(CHIP["stc-shared"])
    np.testing.assert_allclose(learned.mean_image.sum(), 1)
    others = {name: column.copy() for name, column in sample.columns.items()}
    other = others["split"] != TRAIN
    others["codes"][other] = 0
    others["charge"][other] = 0
    samples.write(samples.Sample(others, sample.particles, sample.origin), tmp_path / "other.h5")
    again = learn(tmp_path / "other.h5", links)
    for place, found in learned.regressions.best_choice.items():
        assert (again.regressions.best_choice[place].kernel == found.kernel).all()


def test_rows_beyond_those_that_are_looked_at_teach_nothing(tmp_path, monkeypatch):
    path, links = tmp_path / "axis.h5", LinkAllocation(2)
    fast_simulation.simulate("electron-200pu-axis", 40, 3, path)
    sample = samples.read(path)
    monkeypatch.setattr("qcompress.detectors.hgcal.evaluation.learned.ROWS", 200)
    columns = {name: column.copy() for name, column in sample.columns.items()}
    beyond = np.flatnonzero(columns["split"] == TRAIN)[200:]
    assert len(beyond)
    columns["codes"][beyond] = 0
    columns["charge"][beyond] = 0
    samples.write(samples.Sample(columns, sample.particles, sample.origin), tmp_path / "other.h5")
    first, second = learn(path, links), learn(tmp_path / "other.h5", links)
    assert (first.mean_image == second.mean_image).all()
    monkeypatch.setattr("qcompress.detectors.hgcal.evaluation.learned.ROWS", 201)
    assert (learn(path, links).mean_image != first.mean_image).any()


def test_without_training_modules_nothing_is_learned_and_unknown_modules_are_spread_equally(tmp_path):
    path = tmp_path / "axis.h5"
    fast_simulation.simulate("electron-200pu-axis", 4, 3, path)
    sample = samples.read(path)
    none = sample.columns | {"split": np.full_like(sample.columns["split"], TEST)}
    samples.write(samples.Sample(none, sample.particles, sample.origin), tmp_path / "none.h5")
    assert learn(tmp_path / "none.h5", LinkAllocation(2)) is None
    given, nothing = modules(sample.columns, LinkAllocation(3)), Regressions({}, {}, {}).codecs()
    for name in ("bc", "threshold"):
        assert (nothing[f"{name}-linear"].decode(given) == CHIP[f"{name}-equal"].decode(given)).all()
