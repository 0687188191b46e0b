"""Selections keep what they say, count it, and leave a card."""

import json

import numpy as np
import pytest

from qcompress.detectors.hgcal import DETECTOR, samples, selections, simulation
from qcompress.errors import QcompressError


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    path = tmp_path_factory.mktemp("select") / "sample.h5"
    simulation.simulate("electron-0pu", 4, 3, path)
    return path


def chosen(sample, tmp_path, **given):
    card = selections.select(sample, tmp_path / "out.h5", selections.Selection(**given))
    assert json.loads((tmp_path / "out.card.json").read_text()) == json.loads(json.dumps(card))
    return card["counts"], samples.read(tmp_path / "out.h5")


def test_cuts_keep_what_they_say_one_after_the_other(sample, tmp_path):
    whole = samples.read(sample)
    counts, found = chosen(sample, tmp_path, full_modules=True, layers=(1, 27), eta=(1.8, 2.8))
    full = whole["module_type"] < 3
    front = full & (whole["layer"] <= 27)
    keep = front & (np.abs(whole["eta"]) >= 1.8) & (np.abs(whole["eta"]) <= 2.8)
    assert list(counts.values())[:5] == [len(whole), full.sum(), front.sum(), keep.sum(), keep.sum()]
    assert (found["charge"] == whole["charge"][keep]).all()
    assert (found.particles["pt"] == whole.particles["pt"]).all()
    assert found.origin["selections"][0]["layers"] == [1, 27]
    assert not found["masked"].any()


@pytest.mark.parametrize("variant", ["calq", "mask"])
def test_masked_modules_stay_and_train_to_nothing(sample, tmp_path, variant):
    whole = samples.read(sample)
    counts, found = chosen(sample, tmp_path, variant=variant)
    transverse = whole["charge"].sum(axis=1) / np.cosh(whole["eta"].astype(float))
    wanted = transverse < 30 if variant == "calq" else whole["sim_energy_fraction"] < 1e-3
    assert (found["masked"] == wanted).all()
    assert counts["of them with target zero"] == wanted.sum() > 0
    targets = DETECTOR.rows(tmp_path / "out.h5").targets
    assert (targets[wanted] == 0).all()
    assert (targets[~wanted] == DETECTOR.rows(sample).targets[~wanted]).all()


def test_a_second_selection_keeps_what_the_first_masked(sample, tmp_path):
    selections.select(sample, tmp_path / "first.h5", selections.Selection(variant="mask"))
    selections.select(tmp_path / "first.h5", tmp_path / "second.h5", selections.Selection(full_modules=True))
    first, second = samples.read(tmp_path / "first.h5"), samples.read(tmp_path / "second.h5")
    assert (second["masked"] == first["masked"][first["module_type"] < 3]).all()
    assert second["masked"].any()
    assert [one["variant"] for one in second.origin["selections"]] == ["mask", "nominal"]


def test_shares_that_are_no_numbers_are_not_cut_in_silence(sample, tmp_path):
    whole = samples.read(sample)
    share = whole["sim_energy_fraction"].copy()
    share[:3] = np.nan
    samples.write(samples.Sample({**whole.columns, "sim_energy_fraction": share}, {}), tmp_path / "nan.h5")
    with pytest.raises(QcompressError, match="3 values of column sim_energy_fraction are no numbers"):
        selections.select(tmp_path / "nan.h5", tmp_path / "out.h5", selections.Selection(variant="remove"))


def test_removed_modules_are_gone(sample, tmp_path):
    whole = samples.read(sample)
    counts, found = chosen(sample, tmp_path, variant="remove")
    assert len(found) == (whole["sim_energy_fraction"] >= 1e-4).sum() == counts["rows after"] < len(whole)


def test_what_cannot_be_selected_is_one_line_and_leaves_nothing(sample, tmp_path):
    with pytest.raises(QcompressError, match=r"no row is left; rows before: \d+, layers 49 to 48: 0, rows after: 0"):
        selections.select(sample, tmp_path / "out.h5", selections.Selection(layers=(49, 48)))
    whole = samples.read(sample)
    samples.write(samples.Sample({name: whole[name] for name in samples.NEEDED}, {}), tmp_path / "few.h5")
    with pytest.raises(QcompressError, match="column sim_energy_fraction is missing, which the selection needs"):
        selections.select(tmp_path / "few.h5", tmp_path / "out.h5", selections.Selection(variant="mask"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["few.h5"]


def test_the_command_selects_and_refuses(sample, tmp_path, qcompress):
    (tmp_path / "cuts.yaml").write_text("variant: remove\nfull_modules: true\n")
    done = qcompress("data", "select", sample, tmp_path / "cuts.yaml", "-o", tmp_path / "out.h5")
    assert done.returncode == 0, done.stderr
    assert "rows after" in done.stdout
    for text, said in (("variant: best\n", "variant: input should be"), ("layer: 3\n", "keys are variant")):
        (tmp_path / "bad.yaml").write_text(text)
        bad = qcompress("data", "select", sample, tmp_path / "bad.yaml", "-o", tmp_path / "none.h5")
        assert (bad.returncode, bad.stderr.count("\n")) == (2, 1)
        assert said in bad.stderr
    assert not (tmp_path / "none.h5").exists()
