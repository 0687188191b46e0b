"""What `data inspect` says is what the sample holds."""

import base64
import json
import re

import numpy as np
import pytest

from qcompress.detectors.hgcal import samples
from qcompress.detectors.hgcal.module import geometry, wafers
from qcompress.detectors.hgcal.samples import inspection
from qcompress.detectors.hgcal.simulation import fast_simulation


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    path = tmp_path_factory.mktemp("inspect") / "sample.h5"
    fast_simulation.simulate("electron-0pu", 4, 3, path)
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
    assert list(results.figures) == ["modules"]


def shown(fragment):
    """What a page's events hold: the data, and modules of each as (layer, u, v, flags, codes)."""
    data = json.loads(re.search(r'type="application/json" id="events">(.*?)</script>', fragment, re.DOTALL)[1])
    bytes_ = [np.frombuffer(base64.b64decode(event["data"]), np.uint8).reshape(-1, 52) for event in data["events"]]
    return data, [[(int(r[0]), int(r[1]) - 64, int(r[2]) - 64, int(r[3]), r[4:].tolist()) for r in b] for b in bytes_]


def test_events_to_leaf_through_hold_every_module_with_charge_of_the_busier_side(sample):
    whole = samples.read(sample)
    (fragment,) = inspection.inspect(sample).fragments
    data, events = shown(fragment)
    assert [event["event"] for event in data["events"]] == [0, 1, 2, 3]
    for event, modules in zip(data["events"], events, strict=True):
        own = (whole["event"] == event["event"]) & (whole["zside"] == event["side"]) & whole["codes"].any(axis=1)
        other = (whole["event"] == event["event"]) & (whole["zside"] == -event["side"])
        assert whole["charge"][own].sum() > whole["charge"][other].sum()
        flags = whole["high_density"] + 2 * (whole["sim_energy_fraction"] >= 1e-3)
        expected = [
            (*(int(whole[name][k]) for name in ("layer", "u", "v")), int(flags[k]), whole["codes"][k].tolist())
            for k in np.flatnonzero(own)
        ]
        assert sorted(modules) == sorted(expected)
        sums = [sum(data["decoded"][m[3] & 1][code] for code in m[4] if code) for m in modules]
        assert sums == sorted(sums, reverse=True)
        pt = whole.particles["pt"][whole.particles["event"] == event["event"]]
        assert [p[1] for p in event["particles"]] == pytest.approx(sorted(pt, reverse=True), abs=0.01)


def test_the_page_draws_modules_where_the_wafers_are(sample):
    data, events = shown(inspection.inspect(sample).fragments[0])
    layer, u, v, _, codes = events[0][5]
    x, y = data["pitch"] * (v / 2 - u), data["pitch"] * np.sqrt(3) / 2 * v + data["up"][layer]
    assert (x, y) == pytest.approx(tuple(wafers.centre_cm(layer, u, v)), abs=1e-3)
    channel = int(np.argmax(codes))
    place = np.mean(data["corners"][channel], axis=0)
    assert place == pytest.approx(geometry.tc_xy_channels()[channel], abs=2e-3)


def test_samples_of_words_have_modules_without_a_place(tmp_path):
    codes = np.zeros((3, 48), np.uint8)
    codes[:2, 7] = 100
    few = samples.Sample({"event": np.arange(3), "codes": codes, "split": np.zeros(3)}, {})
    samples.write(few, tmp_path / "few.h5")
    data, events = shown(inspection.inspect(tmp_path / "few.h5").fragments[0])
    assert [len(modules) for modules in events] == [1, 1, 0]
    assert events[0][0][:3] == (0, -64, -64)
    assert data["events"][0]["side"] == 0


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
    assert page.count("data:image/png;base64,") == 1
    assert page.count('<button id="') == 4
    assert not re.search(r'(src|href)="(?!data:)|https?:|url\(|import\(|fetch\(', page)
    refused = qcompress("data", "inspect", sample, "--page", tmp_path / "page.html")
    assert (refused.returncode, refused.stdout, refused.stderr.count("\n")) == (2, "", 1)
    assert "page.html: is there already; give another file, or --replace" in refused.stderr
    assert (tmp_path / "page.html").read_text() == page
    (tmp_path / "page.html").write_text("mine")
    assert qcompress("data", "inspect", sample, "--page", tmp_path / "page.html", "--replace").returncode == 0
    assert (tmp_path / "page.html").read_text() == page
    (tmp_path / "bad.h5").write_bytes(b"nothing")
    bad = qcompress("data", "inspect", tmp_path / "bad.h5")
    assert (bad.returncode, bad.stderr.count("\n")) == (2, 1)
    assert "damaged sample file" in bad.stderr
    unknown = qcompress("data", "inspect", sample, "--detector", "tracker")
    assert unknown.returncode == 2
