"""Selections keep what they say, count it, and leave a card."""

import json

import numpy as np
import pytest

from qcompress.detectors.hgcal import samples
from qcompress.detectors.hgcal.detector import DETECTOR
from qcompress.detectors.hgcal.encoder.options import EncoderOptions
from qcompress.detectors.hgcal.samples import selections
from qcompress.detectors.hgcal.simulation import fast_simulation
from qcompress.errors import QcompressError


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    path = tmp_path_factory.mktemp("select") / "sample.h5"
    fast_simulation.simulate("electron-0pu", 4, 3, path)
    return path


def chosen(sample, tmp_path, **given):
    counts = selections.select(sample, tmp_path / "out.h5", selections.Selection(**given))
    card = json.loads((tmp_path / "out.card.json").read_text())
    assert card["counts"] == counts
    with samples.Handle(tmp_path / "out.h5") as handle:
        assert (card["rows"], card["content_hash"]) == (counts["rows after"], handle.content_hash())
    return counts, samples.read(tmp_path / "out.h5")


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
    front_end = DETECTOR.front_end(EncoderOptions())
    rows = [DETECTOR.rows(path, front_end, "encoder") for path in (sample, tmp_path / "out.h5")]
    before, targets = (each.read(np.arange(len(whole)))[1] for each in rows)
    assert (targets[wanted] == 0).all()
    assert (targets[~wanted] == before[~wanted]).all()


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


def test_modules_of_the_signal_are_those_with_a_share_of_its_energy(sample, tmp_path):
    whole = samples.read(sample)
    counts, found = chosen(sample, tmp_path, signal_share=2e-3, layers=(1, 28))
    keep = (whole["layer"] <= 28) & (whole["sim_energy_fraction"] >= 2e-3)
    assert (found["charge"] == whole["charge"][keep]).all()
    assert counts["share of energy 0.002 or more"] == keep.sum() > 0


def test_a_limit_draws_rows_at_random_and_leaves_events_in_their_part(sample, tmp_path):
    _, passing = chosen(sample, tmp_path, layers=(1, 28))
    counts, few = chosen(sample, tmp_path, layers=(1, 28), rows=300)
    _, again = chosen(sample, tmp_path, layers=(1, 28), rows=300)
    _, other = chosen(sample, tmp_path, layers=(1, 28), rows=300, seed=2)
    _, all_ = chosen(sample, tmp_path, layers=(1, 28), rows=10**7)
    assert len(few) == counts["rows after"] == 300 < counts["layers 1 to 28"] == len(passing) == len(all_)
    assert (few["charge"] == again["charge"]).all()
    assert not (few["charge"] == other["charge"]).all()
    assert (all_["charge"] == passing["charge"]).all()
    assert (few.particles["pt"] == passing.particles["pt"]).all()
    place = [tuple(row) for row in np.column_stack([passing[n] for n in ("event", "zside", "layer", "u", "v")])]
    rows = [place.index(tuple(row)) for row in np.column_stack([few[n] for n in ("event", "zside", "layer", "u", "v")])]
    assert rows == sorted(rows)
    assert (few["split"] == passing["split"][rows]).all()
    assert 0.4 < np.mean(rows) / len(passing) < 0.6


def test_a_draw_takes_every_row_equally_often():
    taken = np.zeros(50)
    for seed in range(400):
        draw = selections.Draw(10, seed)
        offered = np.concatenate([draw.may_stay(5) for _ in range(10)])
        taken[np.flatnonzero(offered)[draw.drawn()]] += 1
    assert taken.sum() == 4000
    assert abs(taken - 80).max() < 5 * np.sqrt(80 * 0.8)


def test_simulated_and_selected_in_one_step_is_simulated_then_selected(tmp_path):
    selection = selections.Selection(layers=(1, 28), signal_share=1e-3, rows=60, variant="mask")
    fast_simulation.simulate("electron-0pu", 3, 3, tmp_path / "whole.h5")
    selections.select(tmp_path / "whole.h5", tmp_path / "two.h5", selection)
    fast_simulation.simulate("electron-0pu", 3, 3, tmp_path / "one.h5", selection=selection)
    one, two = samples.read(tmp_path / "one.h5"), samples.read(tmp_path / "two.h5")
    assert len(one) == 60
    assert all((one[name] == two[name]).all() for name in (*samples.COLUMNS, "masked"))
    assert all((one.particles[name] == two.particles[name]).all() for name in samples.PARTICLES)
    names = [f"{stem}.{end}" for stem in ("one", "two", "whole") for end in ("card.json", "h5")]
    assert sorted(path.name for path in tmp_path.iterdir()) == names


@pytest.mark.parametrize("rows", [None, 50])
def test_an_interrupted_selection_leaves_nothing(sample, tmp_path, rows):
    whole = samples.read(sample)

    def interrupted():
        with selections.sieving(tmp_path / "out.h5", {}, selections.Selection(rows=rows), "sample") as sieve:
            sieve.append(whole.columns, whole.particles)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_selected_is_one_line_and_leaves_nothing(sample, tmp_path):
    with pytest.raises(QcompressError, match=r"no row is left; rows before: \d+, layers 49 to 48: 0, rows after: 0"):
        selections.select(sample, tmp_path / "out.h5", selections.Selection(layers=(49, 48)))
    whole = samples.read(sample)
    samples.write(samples.Sample({name: whole[name] for name in samples.NEEDED}, {}), tmp_path / "few.h5")
    with pytest.raises(QcompressError, match="column sim_energy_fraction is missing, which the selection needs"):
        selections.select(tmp_path / "few.h5", tmp_path / "out.h5", selections.Selection(variant="mask"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["few.card.json", "few.h5"]


def test_a_candidate_is_made_of_a_selection(sample, tmp_path, qcompress):
    text = "name: few\ndetector: hgcal\nnetwork: {}\nsample:\n  select: {layers: [1, 28], rows: 40}\n  "
    for source in ("simulate: electron-0pu\n  events: 2\n", f"file: {sample}\n"):
        (tmp_path / "few.yaml").write_text(text + source)
        done = qcompress("run", tmp_path / "few.yaml", "--until", "sample", "--out", tmp_path / "few", "--replace")
        assert done.returncode == 0, done.stderr
        card = json.loads((tmp_path / "few" / "sample" / "sample.card.json").read_text())
        assert card["counts"]["rows after"] == len(samples.read(tmp_path / "few" / "sample" / "sample.h5")) == 40
        assert json.loads((tmp_path / "few" / "manifest.json").read_text())["steps"]["sample"]["figures"]["rows"] == 40
    (tmp_path / "few.yaml").write_text(text.replace("[1, 28]", "[28, 1]") + f"file: {sample}\n")
    none = qcompress("run", tmp_path / "few.yaml", "--until", "sample", "--out", tmp_path / "none")
    assert (none.returncode, none.stderr.count("\n")) == (2, 1)
    assert "no row is left" in none.stderr
    assert not (tmp_path / "none" / "sample").exists()


def test_the_command_selects_and_refuses(sample, tmp_path, qcompress):
    (tmp_path / "cuts.yaml").write_text("variant: remove\nfull_modules: true\n")
    done = qcompress("data", "select", sample, tmp_path / "cuts.yaml", "-o", tmp_path / "out.h5")
    assert done.returncode == 0, done.stderr
    assert "rows after" in done.stdout
    done = qcompress(
        *("simulate", "hgcal", "--sample", "electron-0pu", "--events", 1, "-o", tmp_path / "two.h5"),
        *("--select", tmp_path / "cuts.yaml"),
    )
    assert done.returncode == 0, done.stderr
    with samples.Handle(tmp_path / "two.h5") as handle:
        assert handle.read()["sim_energy_fraction"].min() >= 1e-4
    none = qcompress("simulate", "dummy", "--sample", "uniform", "--events", 1, "-o", tmp_path / "none.csv",
                     "--select", tmp_path / "cuts.yaml")  # fmt: skip
    assert (none.returncode, none.stderr.count("\n")) == (2, 1)
    assert "detector dummy has no selections" in none.stderr
    for text, said in (("variant: best\n", "variant: input should be"), ("layer: 3\n", "keys are variant")):
        (tmp_path / "bad.yaml").write_text(text)
        bad = qcompress("data", "select", sample, tmp_path / "bad.yaml", "-o", tmp_path / "none.h5")
        assert (bad.returncode, bad.stderr.count("\n")) == (2, 1)
        assert said in bad.stderr
    assert not (tmp_path / "none.h5").exists()
