"""Figures hold the points they were given, each under its name."""

import numpy as np

from qcompress.plots.curves import Line, curves_figure, panels_figure


def test_a_line_holds_its_points_and_its_name() -> None:
    lines = {"a": Line([1, 2, 3], [4, 5, 6], np.ones(3)), "b": Line([1], [2], joined=False)}
    figure = curves_figure(lines, "x", "y", "title", log_x=True)
    (axes,) = figure.axes
    drawn = {container.get_label(): container.lines[0] for container in axes.containers}
    assert drawn["a"].get_xydata().tolist() == [[1, 4], [2, 5], [3, 6]]
    assert drawn["b"].get_linestyle() == "None"
    assert (axes.get_xlabel(), axes.get_ylabel(), axes.get_xscale()) == ("x", "y", "log")
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["a", "b"]


def test_panels_stand_side_by_side() -> None:
    figure = panels_figure({"first": {"a": Line([0], [0])}, "second": {"a": Line([0], [1])}}, "x")
    assert [axes.get_ylabel() for axes in figure.axes] == ["first", "second"]
