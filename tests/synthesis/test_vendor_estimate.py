"""The estimate of a vendor's result: its coefficients are those of the public designs, its errors those left out."""

import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from qcompress.errors import QcompressError
from qcompress.synthesis import Origin
from qcompress.synthesis.vendor_estimate import COEFFICIENTS, FIGURES, Routed, fit, held_out, vendor_estimate, width

DATA = "vendor_reports/jedi_linear"


def rows(folder: Path) -> Iterator[tuple[str, float, dict[str, float]]]:
    """Name, cost and figures of every design, read here and not by the campaign."""
    for path in sorted(folder.glob("*.json")):
        (entry,) = json.loads(path.read_text()).values()
        assert entry["actual_period"] == pytest.approx(entry["clock_period"] - entry["WNS(ns)"])
        yield path.stem, entry["cost"], {"lut": entry["LUT"], "ff": entry["FF"], "period_ns": entry["actual_period"]}


def by_hand(train: list[tuple[float, float]], cost: float, proportional: bool) -> float:
    """The estimate at a cost: the geometric mean of the ratios, or a straight line in logarithms."""
    x, y = np.log(np.array(train)).T
    slope = 1.0 if proportional else np.cov(x, y, bias=True)[0, 1] / x.var()
    return math.exp(y.mean() + slope * (math.log(cost) - x.mean()))


@pytest.mark.parametrize("figure", FIGURES)
def test_the_file_is_what_the_public_designs_give(figure: str, data_file: Callable[[str], Path]) -> None:
    """Refitted, and every family left out, by formulas of this test."""
    told = json.loads(COEFFICIENTS.read_text())
    found = list(rows(data_file(DATA)))
    assert told["designs"] == len(found) == 10
    assert told["costs"] == [min(cost for _, cost, _ in found), max(cost for _, cost, _ in found)]
    of = told["figures"][figure]
    for cost in (4e4, 2e5):
        expected = by_hand([(own, figures[figure]) for _, own, figures in found], cost, FIGURES[figure])
        assert of["factor"] * cost ** of["power"] == pytest.approx(expected, rel=1e-4)
    families: dict[str, Callable[[str], object]] = {
        "particles": lambda name: name.split("-")[0],
        "invariance": lambda name: name.endswith("perminv"),
    }
    for kind, family in families.items():
        errors = []
        for name, cost, figures in found:
            others = [(own, them[figure]) for other, own, them in found if family(other) != family(name)]
            assert len(others) in {5, 8}
            errors.append(abs(by_hand(others, cost, FIGURES[figure]) / figures[figure] - 1))
        assert of["held_out"][kind]["median"] == pytest.approx(np.median(errors), abs=1e-4)
        assert of["held_out"][kind]["worst"] == pytest.approx(max(errors), abs=1e-4)
    inside = [abs(math.log(figures[figure] / (of["factor"] * cost ** of["power"]))) for _, cost, figures in found]
    assert sum(value <= math.log(of["widths"][0]) for value in inside) >= 7
    assert of["widths"][1] >= of["widths"][0] > 1


def test_a_law_is_found_again_and_its_errors_are_those_of_other_families() -> None:
    costs = [1e3, 2e3, 5e3, 9e3]
    designs = [Routed(f"d{n}", cost, {"period_ns": 0.3 * cost**0.25}, (str(n % 2),)) for n, cost in enumerate(costs)]
    law = fit(designs, "period_ns")
    assert (law.factor, law.power) == (pytest.approx(0.3), pytest.approx(0.25))
    assert held_out(designs, "period_ns", 0) == pytest.approx([0, 0, 0, 0], abs=1e-9)
    slow = [design._replace(figures={"lut": (1 + n % 2) * design.cost}) for n, design in enumerate(designs)]
    assert held_out(slow, "lut", 0) == pytest.approx([1, -0.5, 1, -0.5])


def test_a_width_holds_its_share_of_designs_it_has_not_seen() -> None:
    errors = [math.expm1(value) for value in (0.01, -0.02, 0.03, -0.04, 0.05, 0.06, -0.07, 0.08, 0.09, -0.3)]
    assert math.log(width(errors, 0.68)) == pytest.approx(0.08)  # the eighth of ten
    assert math.log(width(errors, 0.9)) == pytest.approx(0.3)  # the largest


def test_an_estimate_says_what_it_rests_on() -> None:
    record = {"estimate": {"lut": 100000, "ff": 1}, "latency_cycles": 20, "interval": 1}
    report = vendor_estimate(record, "net")
    assert report.origin is Origin.ESTIMATED
    assert (report.lut, report.latency_cycles, report.clock_ns) == (107314, 20, 2.0)
    assert report.fmax_mhz == pytest.approx(1000 / (report.delay_ns or 0))
    assert report.slack_ns == pytest.approx(2 - (report.delay_ns or 0))
    assert report.notes[0].startswith("LUT: median 107314, 68 %: ")
    assert "rests on 10 public designs of cost 34736.5 to 218614, routed at 2 ns" in report.notes[3]
    assert len(report.notes) == 5
    outside = vendor_estimate(record | {"estimate": {"lut": 1000}}, "net")
    assert "cost 1000 is outside of that: extrapolated" in outside.notes[5]
    for wrong in ({}, {"estimate": {"lut": 0}, "latency_cycles": 1, "interval": 1}):
        with pytest.raises(QcompressError, match="net: its"):
            vendor_estimate(wrong, "net")
