"""What `data inspect` says is what the sample holds."""

import numpy as np
import pytest

from qcompress.detectors.hgcal import geometry, inspection, samples, simulation


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    path = tmp_path_factory.mktemp("inspect") / "sample.h5"
    simulation.simulate("electron-0pu", 4, 3, path)
    return path


def test_counts_are_those_of_the_sample(sample):
    results, whole = inspection.inspect(sample), samples.read(sample)
    overview = dict(row[:2] for row in results.tables[0].rows)
    assert overview["rows (modules)"] == len(whole)
    assert overview["events"] == 4
    assert overview["largest charge [ADC counts]"] == whole["charge"].max()
    assert overview["high-density modules"] == whole["high_density"].sum()
    assert overview["generated particles"] == 8
    assert overview["missing columns"] == "none"
    assert sum(overview[f"rows for {part}"] for part in inspection.PARTS) == len(whole)
    assert overview["occupied trigger cells of a module, mean"] == pytest.approx(
        (whole["codes"] > 0).sum(axis=1).mean()
    )
    for layer, modules, occupied, above, charge in results.tables[1].rows:
        rows = whole["layer"] == layer
        assert modules == rows.sum()
        assert occupied == pytest.approx((whole["codes"][rows] > 0).sum() / rows.sum())
        assert charge == pytest.approx(whole["charge"][rows].sum() / rows.sum())
        transverse = whole["charge"][rows] / np.cosh(whole["eta"][rows].astype(float))[:, None]
        assert above == pytest.approx((transverse > 1.35 * 35.1).sum() / rows.sum())
    assert list(results.figures) == [
        "modules",
        *(f"event_{n}{what}" for n in range(3) for what in ("", "_busiest_module")),
    ]


def test_trigger_cells_are_rhombi_that_tile_without_overlap():
    corners = geometry.tc_corners()
    np.testing.assert_allclose(corners.mean(axis=1), geometry.tc_xy(), atol=1e-9)
    sides = np.linalg.norm(np.roll(corners, -1, axis=1) - corners, axis=2)
    np.testing.assert_allclose(sides, geometry.TC_PITCH_CM, atol=0.02)
    points = np.random.default_rng(0).uniform(-9, 9, (4000, 2))
    inside = np.zeros(len(points), np.int64)
    for cell in corners:
        edge, to_point = np.roll(cell, -1, axis=0) - cell, points[:, None] - cell
        turn = edge[:, 0] * to_point[..., 1] - edge[:, 1] * to_point[..., 0]
        inside += (turn > 0).all(axis=1) | (turn < 0).all(axis=1)
    assert inside.max() == 1
    assert (inside[np.linalg.norm(points, axis=1) < 7.4] == 1).mean() > 0.995
    nearest = np.linalg.norm(points[:, None] - geometry.tc_xy(), axis=2).min(axis=1)
    assert nearest[inside == 1].max() < geometry.TC_PITCH_CM


def test_a_sample_of_few_columns_says_what_is_missing(sample, tmp_path):
    whole = samples.read(sample)
    few = samples.Sample({name: whole[name] for name in samples.NEEDED}, {}, {"file": "words.csv"})
    samples.write(few, tmp_path / "few.h5")
    results = inspection.inspect(tmp_path / "few.h5")
    assert "charge" in dict(row[:2] for row in results.tables[0].rows)["missing columns"]
    assert list(results.figures) == ["modules"]


def test_the_command_prints_tables_and_writes_a_page(sample, tmp_path, qcompress):
    done = qcompress("data", "inspect", sample, "--page", tmp_path / "page.html")
    assert done.returncode == 0, done.stderr
    assert "rows (modules)" in done.stdout
    page = (tmp_path / "page.html").read_text()
    assert page.count("data:image/png;base64,") == 7
    assert "<script" not in page
    (tmp_path / "bad.h5").write_bytes(b"nothing")
    bad = qcompress("data", "inspect", tmp_path / "bad.h5")
    assert (bad.returncode, bad.stderr.count("\n")) == (2, 1)
    assert "damaged sample file" in bad.stderr
    unknown = qcompress("data", "inspect", sample, "--detector", "tracker")
    assert unknown.returncode == 2
