"""The event display in a browser: what is drawn, what clicks do, what is saved."""

import json
import re

import pytest
from helpers.browser import document
from helpers.wire_events import event, small, written

from qcompress.detectors.lartpc import samples
from qcompress.detectors.lartpc.display.content import content
from qcompress.detectors.lartpc.display.page import page
from qcompress.detectors.lartpc.samples.labels import relabelled
from qcompress.progress import silent

CLICKS = """
(async () => {
  const at = (k) => { const f = frame(canvases[0], 0), o = canvases[0].getBoundingClientRect();
    return { clientX: o.left + f.x(H().wire[k] + .5), clientY: o.top + f.y((H().start[k] + H().end[k]) / 2) }; };
  const click = (k) => ["pointerdown", "pointerup"].forEach(
    (kind) => canvases[0].dispatchEvent(new PointerEvent(kind, at(k))));
  const brushed = (name) => document.querySelector(`#brushes [data-name="${name}"]`).click();
  $("on").click(); brushed("shower"); click(0);
  await new Promise((done) => setTimeout(done, 300));
  const said = $("hit").textContent, sum = document.body.dataset.wave;
  brushed("track"); click(1); brushed("null"); click(1);
  const wide = document.documentElement.scrollWidth <= window.innerWidth;
  $("on").click(); brushed("track"); click(0); brushed("remove"); click(0);
  const told = JSON.stringify({ said, sum, wide, saved: JSON.parse(saved()) });
  document.body.append(Object.assign(document.createElement("output"), { id: "out", textContent: told }));
})();
"""
"""What a user does, and what is then on the page."""


@pytest.fixture
def sample(tmp_path, monkeypatch):
    small(monkeypatch)
    return written(tmp_path / "a.h5", event(3), event(7), event(9))


def test_a_page_needs_nothing_from_outside(sample):
    shown = content(sample, [0], {}, silent)
    shown["events"][0]["what"] = "</script> is <refused>"
    text = page("Events", "one", shown)
    assert re.findall(r"(?:https?:)?//[\w.-]+\.\w+/|\bimport\b|@import|url\(", text) == []
    assert text.count("<script") == text.count("</script>") == 2  # an event's words end none


@pytest.mark.parametrize("width", [1280, 500])
def test_hits_are_drawn_looked_at_and_labelled(width, sample, tmp_path):
    place = tmp_path / "page.html"
    place.write_text(page("Events", "three", content(sample, [0, 1, 2], {}, silent)) + f"<script>{CLICKS}</script>")
    found = document(place, tmp_path / "browser", width, "--virtual-time-budget=3000")
    told = dict(re.findall(r'data-(\w+)="([^"]*)"', re.search(r"<body ([^>]*)>", found)[1]))
    assert (told["drawn"], told["event"], told["labels"]) == ("2", "9", "2")
    out = json.loads(re.search(r'<output id="out">(.*?)</output>', found, re.DOTALL)[1])
    assert out["said"].startswith("U wire 3, ticks 10 to 10; 3,000 electrons; truth: track of mu-")
    assert out["said"].endswith("label: shower")
    assert int(out["sum"]) == int(event(7).waveforms["U"][3].sum())
    assert out["wide"] is True
    (tmp_path / "labels.json").write_text(json.dumps(out["saved"]))
    said = relabelled(sample, tmp_path / "labels.json", tmp_path / "b.h5", silent)
    assert said.startswith("2 labelled hits in 1 events, 2 of them of another class before")
    with samples.Handle(tmp_path / "b.h5") as after:
        assert after.columns("hits", 1)["kind"].tolist() == [samples.SHOWER, samples.NOTHING]
        assert after.columns("hits", 2)["kind"].tolist() == [samples.TRACK, samples.SHOWER]
