"""The chip's algorithms on whole events: decoded to the right places, by each module's own registers and links."""

import numpy as np
import pytest

from qcompress.detectors.hgcal.econt.numbers import decode, encode
from qcompress.detectors.hgcal.evaluation.algorithms import CHIP, decoded
from qcompress.detectors.hgcal.evaluation.events import LinkAllocation, modules
from qcompress.detectors.hgcal.module import geometry, layers, wafers
from qcompress.errors import QcompressError

WHOLE = np.flatnonzero(wafers.modules().cells.all(axis=1))


def columns(codes, numbers):
    """Rows of a sample at places of geometry V11, by number in wafers.modules()."""
    known = wafers.modules()
    place = {name: getattr(known, name)[numbers] for name in ("layer", "u", "v", "high_density")}
    density = np.where(place["high_density"], 3, 1)
    charge = np.stack([decode(row, d) for row, d in zip(codes, density, strict=True)])
    return {"codes": codes, "charge": charge * (codes > 0), **place}


def random_columns(seed, rows=40, codes=(40, 100)):
    rng = np.random.default_rng(seed)
    return columns(rng.integers(*codes, (rows, 48)), rng.choice(WHOLE, rows))


def one_hot(channel, numbers, code=0x60):
    codes = np.zeros((len(numbers), 48), np.int64)
    codes[:, channel] = code
    return columns(codes, numbers)


@pytest.mark.parametrize("channel", [0, 5, 18, 33, 47])
def test_a_hot_cell_arrives_where_it_was_by_every_algorithm(channel):
    given = one_hot(channel, WHOLE[:: len(WHOLE) // 30])
    all_links = LinkAllocation(5)
    for name in CHIP:
        got = decoded(name, given, all_links)
        if name.endswith("-shared") or name == "bc-stc-equal":
            best = got == got.max(axis=1, keepdims=True)
            assert best[:, channel].all()
            if name.startswith("bc"):
                best = best[layers.subdetector(given["layer"]) == layers.CE_H]
            assert set(best.sum(axis=1)) <= {4, 16}, name
        else:
            assert (got.argmax(axis=1) == channel).all(), name
            assert (np.count_nonzero(got, axis=1) == 1).all(), name


def test_charges_are_calibrated_to_transverse_cell_by_cell():
    given = random_columns(0)
    got, known = modules(given), wafers.modules()
    for row in range(0, 40, 7):
        number = wafers.lookup()[given["layer"][row], given["u"][row] + 13, given["v"][row] + 13]
        x, y = (known.centre[number] + geometry.tc_xy_channels()).T
        eta = np.arcsinh(layers.z_cm(given["layer"][row]) / np.hypot(x, y))
        cal = np.rint(2048 / np.cosh(eta)).astype(int)
        assert (got.calq[row] == given["charge"][row] * cal // 2048).all()
        np.testing.assert_allclose(got.charge[row], given["charge"][row] / np.cosh(eta), rtol=1e-12)


def test_without_places_the_modules_own_eta_counts_and_calibrated_samples_are_taken_as_they_are():
    codes = np.random.default_rng(0).integers(0, 128, (2, 48))
    got = modules({"codes": codes, "eta": np.array([2.3, -2.8])})
    for row, eta in enumerate((2.3, 2.8)):
        assert (got.calq[row] == decode(codes[row], 3) * round(2048 / np.cosh(eta)) // 2048).all()
    assert (modules({"codes": codes, "eta": np.array([2.3, 2.8])}, calibrated=True).calq == decode(codes, 3)).all()
    assert got.exists.all()


def test_the_repeater_gives_every_charge_within_two_steps_of_the_code():
    given = random_columns(1)
    truth, got = decoded("uncompressed", given), decoded("repeater", given)
    calq = modules(given).calq
    drop = np.where(given["high_density"], 3, 1)[:, None]
    same_step = encode(calq >> drop, 0, 4, 3) == encode(got.astype(np.int64) >> drop, 0, 4, 3)
    assert same_step.all()
    assert (np.abs(got - truth) <= truth / 16 + 2.0 ** (drop - 1) + 1).all()


def test_thresholds_keep_what_reaches_them():
    given = random_columns(2, codes=(0, 60))
    calq, all_cells = modules(given).calq, decoded("repeater", given)
    assert (decoded("threshold0", given) == all_cells).all()
    assert (decoded("threshold", given) == np.where(calq >= 47, all_cells, 0)).all()
    assert ((calq >= 47) & (calq < 100)).any()


def test_empty_modules_give_nothing_by_any_algorithm():
    given = columns(np.zeros((30, 48), np.int64), WHOLE[:: len(WHOLE) // 29])
    for name in CHIP.keys() - {"uncompressed"}:
        assert not decoded(name, given).any(), name


def test_every_module_sends_on_its_own_links(tmp_path):
    given = random_columns(3)
    table = tmp_path / "links.csv"
    lines = [f"{given['layer'][k]},{given['u'][k]},{given['v'][k]},5" for k in range(0, 40, 2)]
    table.write_text("\n".join(["layer,u,v,links", *dict.fromkeys(lines)]))
    allocation = LinkAllocation.read(table, default=2)
    links = allocation.of(given, 40)
    assert set(links[::2]) == {5}
    assert 2 in links
    kept = np.count_nonzero(decoded("bc", given, allocation), axis=1)
    assert (kept == np.where(links == 5, 14, 4)).all()
    groups = np.count_nonzero(decoded("stc", given, allocation), axis=1)
    assert (groups == np.where(given["high_density"], np.where(links == 5, 12, 5), 3)).all()


def test_the_sum_beside_best_choice_is_that_of_the_cells_it_does_not_send():
    given = random_columns(7, codes=(25, 60))
    on_chip, sent, whole = modules(given), decoded("bc", given), decoded("bc-equal", given)
    drop = np.where(given["high_density"], 3, 1)[:, None]
    rest = np.where(sent > 0, 0, on_chip.calq >> drop).sum(axis=1)
    spread = np.where(sent > 0, 0, whole)
    assert (whole[sent > 0] == sent[sent > 0]).all()
    for row in range(len(rest)):
        assert len(np.unique(spread[row][(sent[row] == 0) & on_chip.exists[row]])) == 1
    got = np.rint(spread.sum(axis=1)).astype(np.int64) >> drop[:, 0]
    assert (encode(got, 0, 5, 3) == encode(rest, 0, 5, 3)).all()
    assert not whole[~on_chip.exists].any()


def test_the_sum_beside_thresholds_is_that_of_the_cells_below_them():
    given = random_columns(8, codes=(0, 60))
    on_chip, sent, whole = modules(given), decoded("threshold", given), decoded("threshold-equal", given)
    below = np.where(on_chip.calq >= 47, 0, on_chip.calq).sum(axis=1)
    got = np.rint(np.where(sent > 0, 0, whole).sum(axis=1)).astype(np.int64)
    assert (encode(got, 0, 5, 3) == encode(below, 0, 5, 3)).all()


def test_a_sum_is_spread_only_in_modules_of_which_a_cell_is_sent():
    given = random_columns(9, rows=300, codes=(0, 40))
    given["codes"][::2] = np.minimum(given["codes"][::2], 25)
    alone, equal, found = (decoded(f"threshold{kind}", given) for kind in ("", "-equal", "-if-sent"))
    sent = alone.any(axis=1)
    assert (found[sent] == equal[sent]).all()
    assert not found[~sent].any()
    assert equal[~sent].any()
    assert 30 < sent.sum() < 270
    hadronic = layers.subdetector(given["layer"]) == layers.CE_H
    mixed = decoded("bc-stc-if-sent", given)
    assert (mixed[hadronic] == decoded("bc-stc", given)[hadronic]).all()
    assert (mixed[~hadronic] == decoded("bc-equal", given)[~hadronic]).all()


def test_mixed_is_best_choice_in_front_and_all_super_trigger_cells_behind():
    given = random_columns(4)
    mixed, hadronic = decoded("bc-stc", given), layers.subdetector(given["layer"]) == layers.CE_H
    assert (mixed[~hadronic] == decoded("bc", given)[~hadronic]).all()
    assert (mixed[hadronic] == decoded("stc", given, LinkAllocation(5))[hadronic]).all()
    high = given["high_density"][hadronic]
    assert (np.count_nonzero(mixed[hadronic], axis=1) == np.where(high, 12, 3)).all()


def test_rows_do_not_matter_to_each_other():
    given = random_columns(5)
    some = {name: column[7:20] for name, column in given.items()}
    for name in CHIP:
        assert (decoded(name, given)[7:20] == decoded(name, some)).all(), name


def test_what_is_wrong_is_said(tmp_path):
    given = random_columns(6, rows=3)
    with pytest.raises(QcompressError, match="there are uncompressed, repeater, threshold"):
        decoded("zip", given)
    with pytest.raises(QcompressError, match=r"row 1: geometry V11 has no module at layer 2, .* 1 of 3 rows"):
        decoded("repeater", {**given, "layer": np.array([given["layer"][0], 2, given["layer"][2]])})
    with pytest.raises(QcompressError, match="0 links for modules not in the table"):
        LinkAllocation(0)
    table = tmp_path / "links.csv"
    for text, message in (
        ("layer,u,v\n1,2,3\n", "no link allocation .*columns layer, u, v, links"),
        ("layer,u,v,links\n1,2,3,2.5\n", "holds integers"),
        ("layer,u,v,links\n1,2,3,14\n", r"14 links for \(1, 2, 3\)"),
    ):
        table.write_text(text)
        with pytest.raises(QcompressError, match=message):
            LinkAllocation.read(table)
    with pytest.raises(QcompressError, match="no link allocation"):
        LinkAllocation.read(tmp_path / "none.csv")
    with pytest.raises(QcompressError, match="no column layer, u, v"):
        LinkAllocation(2, {(1, 0, 0): 3}).of({}, 3)
