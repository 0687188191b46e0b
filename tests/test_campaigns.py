"""Functions of campaigns that figures of the documents rest on."""

import importlib
import subprocess
import sys
from argparse import Namespace
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from helpers.paths import ROOT

from qcompress.detectors import CALIBRATION, TEST, TRAIN
from qcompress.detectors.hgcal import samples
from qcompress.detectors.hgcal.evaluation import scoring
from qcompress.detectors.hgcal.simulation import fast_simulation
from qcompress.detectors.lartpc.online import kernels
from qcompress.detectors.lartpc.online.primitives import TAPS
from qcompress.detectors.lartpc.roi import windows
from qcompress.errors import QcompressError
from qcompress.synthesis import place_route, placements


@pytest.fixture
def campaign(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "campaigns")
    return importlib.import_module


def test_a_fault_of_the_user_is_one_line_and_2(campaign, capsys):
    def main():
        raise QcompressError("a.h5: is cut; give a whole one")

    with pytest.raises(SystemExit) as ended:
        campaign("one_line").in_one_line(main)()
    assert ended.value.code == 2
    assert capsys.readouterr() == ("", "a.h5: is cut; give a whole one\n")


def test_filtered_samples_are_those_of_the_finder_moved_back_by_three_ticks(campaign):
    waves = np.random.default_rng(0).integers(-4096, 4096, (5, 300)).astype(np.int16)
    found = campaign("lartpc_regions").filtered(waves)
    for wave, own in zip(waves, found, strict=True):
        longer, expected = np.append(wave, np.zeros(3, np.int16)), np.zeros(303, np.int32)
        kernels.fir(longer, np.zeros(64, np.int32), np.array(TAPS, np.int32), expected)
        assert own.tolist() == expected[3:].tolist()


def test_shares_that_are_kept_are_those_of_masks(campaign):
    ticks = 1000
    first = windows.starts(ticks)
    codes = np.random.default_rng(1).integers(-512, 512, (7, len(first))).astype(np.int16)
    shares = campaign("lartpc_regions").kept_share(codes, ticks)
    for bound in (-512, -300, 0, 17, 480, 511):
        assert shares[bound + 512] == windows.mask(first, codes >= bound, ticks).mean()


def test_the_point_from_which_on_hits_are_found(campaign):
    counts = campaign("lartpc_regions_counts")
    edges = counts.EDGES[counts.CHARGE]
    found = np.array([0.6, 0.3, 0.25, 0.75, *[1.0] * 12])
    assert counts.point(found, counts.CHARGE, 0.5) == pytest.approx(edges[3], rel=1e-12)  # half-way in the logarithm
    assert counts.point(found, counts.CHARGE, 0.9) == pytest.approx(edges[4] * (edges[5] / edges[4]) ** 0.1, rel=1e-12)
    assert np.isnan(counts.point(np.ones(16), counts.CHARGE, 0.5))
    assert np.isnan(counts.point(np.zeros(16), counts.CHARGE, 0.5))


def test_which_networks_on_wires_are_trained(campaign, tmp_path):
    roi = campaign("lartpc_roi")

    def names(**given):
        asked = {"filters": None, "bits": 6, "activation_bits": None, "plane": "W", "taught": False, "save": None}
        asked |= {"folder": tmp_path, "starts": roi.STARTS}
        return [one.name for one in roi.wanted(Namespace(**(asked | given)))]

    public = ["public, float, as it is", "public, 6 bits, as it is", "float, from public", "6 bits, from public"]
    scratch = ["float, from scratch", "6 bits, from scratch"]
    assert names() == [*public, *scratch]
    assert names(filters=[8, 16, 32]) == [roi.REFERENCE, *scratch]
    assert names(taught=True, starts=["from public"], activation_bits=8) == [roi.REFERENCE, "6 and 8 bits, from public"]
    assert names(save=tmp_path) == ["6 bits, from public"]
    assert names(save=tmp_path, filters=[8, 16, 32]) == [roi.REFERENCE, "6 bits, from scratch"]
    for given, said in (
        ({"starts": ["as it is"], "save": tmp_path}, "nothing to train of --starts as it is"),
        ({"starts": ["from public"], "filters": [8, 16, 32]}, "nothing to train of --starts from public"),
        ({"filters": [0, 16, 32]}, "filters.0: Input should be greater than or equal to 1"),
        ({"bits": 99}, "weight_bits: Input should be less than or equal to 16"),
    ):
        with pytest.raises(QcompressError, match=said):
            names(**given)


def test_what_a_commit_changed_outside_of_a_folder(campaign, tmp_path, monkeypatch, capsys):
    def git(*arguments):
        own = ("git", "-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false", *arguments)
        subprocess.run(own, cwd=tmp_path, check=True, capture_output=True)

    def commit(**files):
        for name, lines in files.items():
            path = tmp_path / "qcompress" / name / "a.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("".join(f"{line}\n" for line in lines))
        git("add", ".")
        git("commit", "-m", " ".join(files))

    git("init")
    commit(general=[1, 2, 3], own=[1])
    commit(own=[1, 2])
    commit(own=[3], general=[1, 4, 5, 6, 3])
    outside = campaign("outside")
    monkeypatch.setattr(outside, "ROOT", tmp_path)
    found = outside.changes("HEAD", "qcompress", ":!qcompress/own")
    assert found == [outside.Change("qcompress/general/a.py", 3, 1)]
    assert outside.changes("HEAD~1", "qcompress", ":!qcompress/own") == []
    monkeypatch.setattr(sys, "argv", ["outside.py", "qcompress/own"])
    outside.main()
    said = capsys.readouterr().out
    assert said.startswith("3 commits touch qcompress/own: +3 -2\n")
    assert said.endswith("\n1 of them touch no code outside of it\n")
    for arguments, why in (
        (["qcompress/none"], "qcompress/none: no commit of"),
        (["qcompress/own", "--more", "0123abc"], "git show in"),
    ):
        monkeypatch.setattr(sys, "argv", ["outside.py", *arguments])
        with pytest.raises(SystemExit) as ended:
            outside.main()
        assert ended.value.code == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith(why)


def test_what_learned_of_a_sample_does_not_score_it(campaign, tmp_path, monkeypatch, capsys):
    codecs = campaign("response_codecs")
    one, other = tmp_path / "one.h5", tmp_path / "other.h5"
    for seed, path in enumerate((one, other)):
        fast_simulation.simulate("photon-0pu", 3, seed, path)
    codecs.check_untrained(["threshold", f"learned:{other}:bc-linear"], one)
    with pytest.raises(QcompressError, match=rf"{one}: \d of its events trained learned:"):
        codecs.check_untrained(["threshold", f"learned:{one}:bc-linear"], one)
    with pytest.raises(QcompressError, match="give learned:SAMPLE:NAME"):
        codecs.check_untrained([f"learned:{one}:bc"], one)
    with samples.Handle(one) as handle:
        own = handle.content_hash()
    monkeypatch.setattr(codecs.Candidate, "open", lambda folder: candidate)
    candidate = SimpleNamespace(
        manifest={"config": {"sample": {}}}, figures_of=lambda step: SimpleNamespace(content_hash=own)
    )
    with pytest.raises(QcompressError, match=f"{one}: trained {tmp_path}"):
        codecs.check_untrained([str(tmp_path)], one)
    assert capsys.readouterr().err == ""
    codecs.check_untrained([str(tmp_path)], other)
    assert capsys.readouterr().err == (
        f"{tmp_path}: its training sample is not here; only the whole sample was compared\n"
    )


def test_modules_to_show_are_of_no_event_for_calibration(campaign, tmp_path):
    rows = np.repeat([4, 7, 2, 9], 50)
    split = np.repeat(np.array([TEST, CALIBRATION, TRAIN, CALIBRATION], np.uint8), 50)
    columns = {"event": rows, "split": split, "eta": np.full(200, 2.0), "codes": np.zeros((200, 48), np.uint8)}
    columns |= {"module_type": np.zeros(200, np.uint8), "high_density": np.zeros(200, np.uint8)}
    samples.write(samples.Sample(columns, {}, {}), tmp_path / "some.h5")
    with samples.Handle(tmp_path / "some.h5") as handle:
        found = campaign("wafers").rows_of(handle, scoring.blocks(tmp_path / "some.h5", 1000, every=True))
    assert np.unique(found["event"]).tolist() == [2, 4]
    assert len(found["codes"]) == 100


def test_blocks_of_other_links_or_back_ends_are_not_taken(campaign, tmp_path):
    blocks = campaign("response_blocks")
    names = [one.name for one in blocks.BACK_ENDS]

    def check(links=None, back_ends=None, made=names[:2]):
        columns = {f"{name}|{field}": np.zeros(3) for name in made for field in blocks.Matched._fields}
        np.savez(tmp_path / "block.npz", **columns, **({"links": np.array(links)} if links else {}))
        return blocks.check_block(tmp_path / "block.npz", Namespace(links="by-radius", back_ends=back_ends))

    assert check("by-radius", names[:2])
    assert not check(None, names[1:2])
    with pytest.raises(QcompressError, match="made with --links march-2020, not by-radius; take another FOLDER"):
        check("march-2020", names[:1])
    with pytest.raises(QcompressError, match=f"made without --back-ends '{names[2]}'; take another FOLDER"):
        check("by-radius", names[:3])


SDF = r"""
(CELL (CELLTYPE "top") (INSTANCE )
  (INTERCONNECT a/Q sum\$0/A (900:900:900) (900:900:900))
  (INTERCONNECT b/Q sum\$0/B (100:100:100) (100:100:100))
  (INTERCONNECT sum\$0/F c/DI (40:50:60) (40:50:60))
  (INTERCONNECT a/Q b/DI (1200:1200:1200) (1200:1200:1200)))
(CELL
  (INSTANCE a)
  (IOPATH CLK Q (400:450:500) (400:450:500))
  (SETUPHOLD (posedge DI) (posedge CLK) (0:0:0) (1:2:3)))
(CELL
  (INSTANCE b)
  (IOPATH CLK Q (400:450:500) (400:450:500))
  (SETUPHOLD (posedge DI) (posedge CLK) (5:6:7) (1:2:3)))
(CELL
  (INSTANCE c)
  (IOPATH CLK Q (400:450:500) (400:450:500))
  (SETUPHOLD (posedge DI) (posedge CLK) (10:20:30) (1:2:3)))
(CELL
  (INSTANCE sum\$0)
  (IOPATH A F (200:210:220) (200:210:220))
  (IOPATH B F (200:210:1100) (200:210:1100)))
"""


def test_the_longest_path_of_delays_from_register_to_register(campaign):
    """By hand: a to b 500 + 1200 + 7, a to c 500 + 900 + 220 + 60 + 30; b to c 500 + 100 + 1100 + 60 + 30."""
    found = campaign("placed_path")
    length, path = found.longest(found.read(SDF))
    assert length == 1790
    assert [step.sink for step in path] == [r"sum\$0/B", r"sum\$0/F", "c/DI"]
    assert sum(step.ps for step in path if step.wire) == 160
    faster = SDF.replace("(200:210:1100)", "(200:210:600)")
    assert found.longest(found.read(faster))[0] == 1710
    with pytest.raises(QcompressError, match="loop"):
        found.longest(found.read(SDF.replace("c/DI (40:50:60)", r"sum\$0/A (40:50:60)")))
    with pytest.raises(QcompressError, match="no path"):
        found.longest(found.read(SDF.replace("CLK Q", "DI Q")))
    early = found.read(
        SDF.replace("(10:20:30)", "(-30:-20:-10)").replace("c/DI (40:50:60) (40:50:60)", "c/DI (1:2:3) (4:5:70)")
    )
    assert found.longest(early)[0] == 1790 - 30 - 10 + 10
    with pytest.raises(QcompressError, match=r"no delays that are understood: .IOPATH A F .200"):
        found.read(SDF.replace("(200:210:220) (200:210:220)", "(200)"))


def test_the_path_of_a_folder_is_printed_and_what_cannot_be_placed_is_one_line(campaign, tmp_path, monkeypatch, capsys):
    found = campaign("placed_path")
    for words, message in (
        ((), "has no netlist.json; give the folder of a run of yosys-ecp5 that was cut short"),
        (("--device", "xcvu9p-flga2104-2-i"), "nextpnr does not place it; give one of ecp5"),
        (("--steps", "0"), "--steps 0: give 1 or more"),
    ):
        monkeypatch.setattr("sys.argv", ["placed_path.py", str(tmp_path), *words])
        with pytest.raises(SystemExit) as end:
            found.main()
        assert end.value.code == 2
        assert message in capsys.readouterr().err
    (tmp_path / "placed-ecp5-85k-80MHz-1.sdf").write_text(SDF)
    monkeypatch.setattr("sys.argv", ["placed_path.py", str(tmp_path), "--steps", "1"])
    found.main()
    assert capsys.readouterr().out.splitlines() == [
        "558.66 MHz: 1.79 ns, 0.16 of them 2 wires",
        r"wire    100 ps  sum\$0/B",
        "...",
        "wire     60 ps  c/DI",
    ]


@pytest.mark.campaign
def test_the_path_of_a_netlist_that_was_not_routed(campaign, tmp_path, monkeypatch, capsys):
    """A sum of 24 bits between registers, cut short in the router: one carry chain, placed by nextpnr."""
    source = tmp_path / "top.v"
    source.write_text(
        "module top (\ninput clk,\ninput [23:0] a,\ninput [23:0] b,\noutput reg [23:0] s\n);\n"
        "reg [23:0] x, y; always @(posedge clk) begin x <= a; y <= b; s <= x + y; end endmodule\n"
    )

    def struck(report, *_):
        return replace(report, notes=(f"{placements.CUT_SHORT} of 1 s struck in the router",))

    monkeypatch.setattr(place_route, "fastest", struck)
    place_route.synthesize([source], "top", tmp_path / "out", device="ecp5-25k")
    found = campaign("placed_path")
    lines = []
    for seed in ("1", "1", "2"):
        monkeypatch.setattr(
            "sys.argv", ["placed_path.py", str(tmp_path / "out"), "--device", "ecp5-25k", "--seed", seed]
        )
        found.main()
        said = capsys.readouterr()
        lines.append(said.out)
        assert ("placing, 60 minutes at most" in said.err) == (len(lines) != 2)
    assert lines[0] == lines[1] != lines[2]
    assert 100 < float(lines[0].split()[0]) < 500
    assert lines[0].count("/FCO") >= 8
