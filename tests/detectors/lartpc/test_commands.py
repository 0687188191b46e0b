"""`qcompress lartpc` from outside: an event display, labels as truth; bad input in one line."""

import json

import pytest

from qcompress.detectors.lartpc import samples


@pytest.fixture(scope="module")
def sample(qcompress, tmp_path_factory):
    path = tmp_path_factory.mktemp("lartpc") / "a.h5"
    done = qcompress("simulate", "lartpc", "--sample", "muon-hd-hits", "--events", 3, "-o", path)
    assert done.returncode == 0, done.stderr
    assert " hits of 3 events in " in done.stdout
    return path


def refused(done, said):
    assert done.returncode == 2
    assert said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_events_are_shown(sample, qcompress, tmp_path):
    done = qcompress("lartpc", "display", sample, "-o", tmp_path / "page.html", "--events", 2, "--skip", 1)
    assert done.returncode == 0, done.stderr
    assert "2 of 3 events in" in done.stdout
    text = (tmp_path / "page.html").read_text()
    shown = json.loads(text.split('id="data">')[1].split("</script>")[0])
    assert [event["event"] for event in shown["events"]] == [1, 2]
    refused(qcompress("lartpc", "display", sample, "-o", tmp_path / "page.html"), "is there already")


@pytest.mark.parametrize(("options", "said"), [
    (["--skip", 3], "has 3 events, none behind 3 that are passed over"),
    (["--candidate", "nowhere"], "nowhere"),
])  # fmt: skip
def test_what_cannot_be_shown_is_one_line(options, said, sample, qcompress, tmp_path):
    refused(qcompress("lartpc", "display", sample, "-o", tmp_path / "page.html", *options), said)
    assert not (tmp_path / "page.html").exists()


def test_no_command_writes_over_what_it_reads(sample, qcompress, tmp_path):
    given = tmp_path / "a.h5"
    given.write_bytes(sample.read_bytes())
    (tmp_path / "link.html").symlink_to(given)
    for out in (given, tmp_path / "link.html"):
        refused(qcompress("lartpc", "display", given, "-o", out, "--replace"), f"{out}: is an input of this command")
    (tmp_path / "a.root").write_bytes(b"root")
    for source in (given, tmp_path / "a.root"):
        before = source.read_bytes()
        done = qcompress("data", "import", source, "-o", source, "--replace", "--detector", "lartpc")
        refused(done, f"{source}: is an input of this command")
        assert source.read_bytes() == before
    refused(qcompress("data", "export", given, given, "--replace"), "is an input of this command")


def test_labels_become_the_truth(sample, qcompress, tmp_path):
    with samples.Handle(sample) as handle:
        hits, own = handle.columns("hits", 0), handle.content_hash()
        plane = handle.preset.planes[hits["plane"][0]].name
    label = {"event": 0, "plane": plane, "wire": int(hits["wire"][0]), "start": int(hits["start"][0]), "class": "null"}
    told = {"format": "qcompress liquid-argon labels", "schema": 1, "sample": own, "labels": [label]}
    (tmp_path / "labels.json").write_text(json.dumps(told))
    done = qcompress("lartpc", "labels", sample, tmp_path / "labels.json", "-o", tmp_path / "new" / "b.h5")
    assert done.returncode == 0, done.stderr
    assert "1 labelled hits in 1 events" in done.stdout
    with samples.Handle(tmp_path / "new" / "b.h5") as handle:
        assert handle.columns("hits", 0)["kind"][0] == samples.NOTHING
    (tmp_path / "labels.json").write_text(json.dumps(told | {"schema": 9}))
    done = qcompress("lartpc", "labels", sample, tmp_path / "labels.json", "-o", tmp_path / "c.h5")
    refused(done, "labels.json: no labels, schema: Input should be 1")
    assert not (tmp_path / "c.h5").exists()


def test_a_sample_goes_to_trees_and_back(sample, qcompress, tmp_path):
    done = qcompress("data", "export", sample, tmp_path / "a.root")
    assert done.returncode == 0, done.stderr
    again = tmp_path / "new" / "b.h5"  # its folder is made
    done = qcompress("data", "import", tmp_path / "a.root", "-o", again, "--detector", "lartpc")
    assert done.returncode == 0, done.stderr
    assert "3 events of dune-hd" in done.stdout
    with samples.Handle(sample) as one, samples.Handle(again) as other:
        assert one.content_hash() == other.content_hash()
    (tmp_path / "c.root").mkdir()
    done = qcompress("data", "export", sample, tmp_path / "c.root", "--replace")
    refused(done, f"{tmp_path / 'c.root'}: is a folder; give a file to write")
    done = qcompress("data", "export", sample, tmp_path / "a.root" / "b.root")
    refused(done, f"{tmp_path / 'a.root'}: cannot be made")
    refused(qcompress("data", "export", sample, tmp_path / "a.bin"), "has no waveforms; no trigger primitives")
