"""The comparison of candidates: the front holds what nothing beats; every kind of implementation has its name."""

import io
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from qcompress.errors import QcompressError
from qcompress.fixedpoint import Format
from qcompress.graph import Graph, Node, Relu
from qcompress.report.comparison import comparison_table
from qcompress.report.implementations import Row, estimates_of
from qcompress.report.pareto import first_score, pareto_figure, pareto_front, score_label
from qcompress.report.tables import as_markdown, cell
from qcompress.report.terminal import print_tables
from qcompress.targets import TARGETS


def row(name: str, cost: float, score: float | None, kind: str = "rtl") -> Row:
    scores = {} if score is None else {"emd_mean": score}
    origins = {"lut": "estimated", "gate_equivalents": "mapped", "latency_cycles": "estimated"}
    return Row(name, kind, {"gate_equivalents": cost, "lut": 1}, origins, scores)


def test_the_front_is_what_no_other_point_beats() -> None:
    points = [tuple(point) for point in np.random.default_rng(0).integers(0, 30, (60, 2)).tolist()]
    front = pareto_front(points)
    for place, (cost, score) in enumerate(points):
        beaten = any(c <= cost and s <= score and (c, s) != (cost, score) for c, s in points)
        assert beaten or points[place] in [points[n] for n in front]
        assert not (beaten and place in front)
    assert [points[n] for n in front] == sorted(points[n] for n in front)


def test_a_target_that_nothing_estimates_has_no_figures() -> None:
    graph = Graph("g", (2,), Format(True, 8, 8), (Node("r", Relu(), "input"),))
    for name in ("rtl", "rtl_loadable", "rtl_loadable-16"):
        (found,) = estimates_of(TARGETS[name], [graph]) or []
        assert found.lut is not None
    assert estimates_of(TARGETS["cpp"], [graph]) is None


def test_table_and_figure(tmp_path: Path) -> None:
    rows = [row("a", 1000, 1.5), row("b", 3000, 1.0, "rtl_loadable"), row("c", 5000, None)]
    table = comparison_table(rows)
    assert table.rows[2][table.columns.index("emd mean")] is None
    assert table.rows[0][-1] == "estimated: LUT, FF; mapped: gate equivalents"
    assert "| c | rtl |" in as_markdown(table)
    assert pareto_figure(rows, "emd_mean", tmp_path / "front.png") == 2
    assert (tmp_path / "front.png").stat().st_size > 10_000
    labelled = [replace(one, labels={"emd_mean": "mean EMD [half trigger-cell pitch]"}) for one in rows]
    assert score_label(labelled, "emd_mean") == "mean EMD [half trigger-cell pitch]"
    assert score_label(rows, "emd_mean") == "emd mean"
    assert first_score(rows) == "emd_mean"
    assert pareto_figure(rows, None, tmp_path / "first.png") == 2
    two = [replace(one, scores={"auc": 0.9, **one.scores}, labels={"loss": "-", "emd_mean": "EMD"}) for one in rows]
    assert first_score(two) == "emd_mean"
    assert first_score([replace(one, scores={}) for one in rows]) is None
    with pytest.raises(QcompressError, match="no candidate has a figure speed; they have emd_mean"):
        pareto_figure(rows, "speed", tmp_path / "front.png")


def test_what_is_not_built_and_what_differs_between_configs_is_said() -> None:
    rows = [
        replace(row("a", 1, None), config={"training.epochs": 140, "seed": 1}),
        replace(row("b", 1, None), config={"training.epochs": 3, "seed": 1}, built=False),
        row("c", 1, None),
    ]
    table = comparison_table(rows)
    assert table.columns[:4] == ("candidate", "built as", "epochs", "output bits")
    assert [line[:3] for line in table.rows] == [("a", "rtl", 140), ("b", "not built (rtl)", 3), ("c", "rtl", None)]


def test_a_terminal_of_100_columns_breaks_no_number_of_the_comparison() -> None:
    numbers = {
        **{"lut": 1234567, "ff": 2345678, "dsp": 12288, "gate_equivalents": 3456789.0, "latency_cycles": 12345},
        **{"latency_ns": 98765.4, "interval": 128, "fmax_mhz": 123.45, "clock_mhz": 125.0, "throughput_mhz": 0.97},
        **{"weights": 34567, "weight_bits": 207402, "multiplications": 345678, "output_bits": 144, "energy_nj": 1.5},
    }
    origins = dict.fromkeys(numbers, "mapped") | {"lut": "routed", "latency_cycles": "built"}
    device = "xcvu13p-flga2577-2-e"
    rows = [Row("econt_w6_f16_l3_folded16", kind, numbers, origins, {"emd_mean": 0.9217}, {}, device) for kind in "ab"]
    text = io.StringIO()
    table = comparison_table(rows)
    print_tables([table], Console(file=text, width=100, force_terminal=True, no_color=True))
    lines = re.sub("\x1b\\[[0-9]*m", "", text.getvalue()).splitlines()
    assert max(map(len, lines)) <= 100
    words = " ".join(lines).split()
    shown = [cell(value) for value in table.rows[0] if isinstance(value, int | float)]
    assert len(shown) == len(numbers) + 1
    assert all(words.count(number) >= 2 for number in shown)
