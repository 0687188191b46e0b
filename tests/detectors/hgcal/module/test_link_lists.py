"""Links of modules by lists that name modules by numbers."""

import subprocess
import sys

import numpy as np
import pytest
from helpers.paths import ROOT

from qcompress.detectors.hgcal.evaluation.events import LinkAllocation
from qcompress.detectors.hgcal.module import layers, link_lists, links, wafers
from qcompress.errors import QcompressError, QcompressWarning

LIST = "hgcal/cmssw/links_V11_march20.txt"


def test_numbers_count_a_third_column_by_column_and_are_the_same_in_the_others():
    assert link_lists.numbers(1, [1, 1, 2, 2, 3, 10], [2, 9, 0, 10, 0, 2]).tolist() == [1, 8, 9, 19, 20, 96]
    assert link_lists.numbers([15, 19, 21, 27], [5, 10, 2, 11], [0, 2, 0, 4]).tolist() == [43, 100, 10, 114]
    u, v = np.array([4, 7, 2]), np.array([1, 0, 9])
    for turned in ((-v, u - v), (v - u, -u)):
        assert (link_lists.numbers(5, *turned) == link_lists.numbers(5, u, v)).all()
    assert (link_lists.numbers(29, u, v) == link_lists.NO_NUMBER).all()
    assert link_lists.numbers(1, [0, 1, 12], [0, 1, 3]).tolist() == [link_lists.NO_NUMBER] * 3
    with pytest.raises(QcompressError, match="layer"):
        link_lists.numbers(51, 1, 2)


def test_modules_have_the_links_of_the_public_list(data_file):
    """Every line of CE-E is that of a wafer, but for four; whole modules at the same radius have the same links."""
    path, known = data_file(LIST), wafers.modules()
    table = np.loadtxt(path, np.int64)
    number = link_lists.numbers(known.layer, known.u, known.v)
    with pytest.warns(QcompressWarning, match="lacks 54 of the modules of CE-E; they are given 2 links"):
        found = LinkAllocation.named(f"march-2020:{path}").of(vars_of(known), len(number))
    front = known.layer <= layers.CE_E_LAYERS
    wanted = {(layer, own): count for layer, own, count in table.tolist() if layer <= layers.CE_E_LAYERS and count}
    places = list(zip(known.layer[front].tolist(), number[front].tolist(), strict=True))
    assert wanted.keys() - set(places) == {(21, 99), (21, 100), (23, 99), (23, 100)}
    assert (found[front] == [wanted.get(place, link_lists.LINKS) for place in places]).all()
    others = np.array([place not in wanted for place in places])
    assert (len(wanted), int(others.sum())) == (1422, 54)
    assert not known.cells[front][others].all(axis=1).any()
    assert all(places.count(place) == 3 for place in wanted if place in set(places))
    whole, radius = front & known.cells.all(axis=1), np.round(np.hypot(*known.centre.T), 2)
    of_ring = {}
    for key, count in zip(zip(known.layer[whole], radius[whole], strict=True), found[whole], strict=True):
        of_ring.setdefault(key, set()).add(int(count))
    assert all(len(counts) == 1 for counts in of_ring.values())
    assert {min(counts) for counts in of_ring.values()} == {2, 3, 4, 5, 6, 7, 8, 9, 10, 11}
    behind = table[(table[:, 0] > layers.CE_E_LAYERS) & (table[:, 1] > 0), 2]
    assert set(behind) == {1, 2}
    assert (found[~front] == 2).all()


def vars_of(known):
    return {name: getattr(known, name) for name in ("layer", "u", "v")}


def test_no_named_allocation_is_that_of_march_2020(data_file):
    known = wafers.modules()
    whole = (known.layer <= layers.CE_E_LAYERS) & known.cells.all(axis=1)
    place = (known.layer[whole], known.u[whole], known.v[whole])
    found = link_lists.links(data_file(LIST), *place)
    same = {name: float((of(*place) == found).mean()) for name, of in links.ALLOCATIONS.items()}
    print(f"\nlinks as in march-2020, whole modules of CE-E: {same}")
    assert {name: round(100 * share) for name, share in same.items()} == {"by-radius": 69, "signal-driven": 53}
    assert np.abs(links.ALLOCATIONS["by-radius"](*place) - found).max() == 2


def test_the_list_is_named_or_lies_in_the_data(data_file, monkeypatch):
    path = data_file(LIST)
    monkeypatch.setenv("QCOMPRESS_DATA", str(path.parents[2]))
    with pytest.warns(QcompressWarning, match="lacks 54"):
        assert LinkAllocation.named("march-2020") == LinkAllocation.named(f"march-2020:{path}")
    monkeypatch.delenv("QCOMPRESS_DATA")
    with pytest.raises(QcompressError, match="march-2020:FILE, or set QCOMPRESS_DATA"):
        LinkAllocation.named("march-2020")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1 1 6\n1 2\n", "line 2: give layer, number of the module, links"),
        ("1 1 six\n", "line 1: give layer"),
        ("1 1 14\n", "line 1: 14 links; the chip has up to 13"),
        ("1 1 6\n1 2 6\n1 1 5\n", "line 3: module 1 of layer 1 stands there twice"),
        ("1 1 6\n51 1 6\n", "line 2: module 1 of layer 51; there are layers 1 to 50, modules from 0"),
        ("0 1 6\n", "line 1: module 1 of layer 0; there are layers 1 to 50"),
        ("1 -1 6\n", "line 1: module -1 of layer 1"),
        ("", "a list of no links"),
    ],
)
def test_a_list_that_is_none_is_refused_by_its_line(tmp_path, text, said):
    path = tmp_path / "links.txt"
    path.write_text(text)
    with pytest.raises(QcompressError, match=said):
        link_lists.read(path)
    with pytest.raises(QcompressError, match="no list of links"):
        link_lists.read(tmp_path / "none.txt")


def test_layers_that_a_list_does_not_have_are_refused_and_modules_are_said(tmp_path):
    path = tmp_path / "links.txt"
    path.write_text("1 1 6\n3 1 0\n5 2 4\n")
    with pytest.raises(QcompressError, match="has no links of any module in layer 3, 7; give a list of all"):
        link_lists.links(path, [1, 3, 7], 1, 2)
    assert link_lists.links(path, [1, 2, 29], 1, 2).tolist() == [6, 2, 2]
    with pytest.warns(QcompressWarning, match=r"links\.txt: lacks 1 of the modules of CE-E; they are given 2 links"):
        assert link_lists.links(path, [1, 5, 5], 1, [2, 2, 3]).tolist() == [6, 2, 4]


@pytest.mark.campaign
def test_campaigns_take_a_list_by_name(data_file, tmp_path):
    from qcompress.detectors.hgcal.simulation import fast_simulation

    for kind in ("photon-0pu", "electron-200pu", "electron-0pu"):
        fast_simulation.simulate("electron-0pu", 12, 1, tmp_path / f"{kind}.h5")
    command = [sys.executable, ROOT / "campaigns" / "conservation.py", tmp_path, "--rows", "10", "--algorithms", "bc"]

    def run(name):
        return subprocess.run([*command, "--links", name], check=False, capture_output=True, text=True)

    done = run(f"march-2020:{data_file(LIST)}")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("| best choice |") == 3
    short = tmp_path / "short.txt"
    short.write_text("1 1 6\n")
    for name, said in (
        ("march-2020:none.txt", "none.txt: no list of links"),
        (f"march-2020:{short}", "short.txt: has no links of any module in layer 3, 5, 7, 9, 11"),
        ("x", "no link allocation 'x'"),
    ):
        done = run(name)
        assert done.returncode == 2
        assert said in done.stderr.splitlines()[-1]
