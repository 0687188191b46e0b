"""Cost against a score: every candidate a point, its kind a marker, the front a line."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MARKERS = "osD^vP*X"
HEIGHT, LINE = 5.0, 0.18
"""Inches: of the figure, and of a line of its legend, with which it grows."""
NAMED = 24
"""Points that are all named; of more, those on the front."""


def figure(
    points: Sequence[tuple[float, float]],
    kinds: Sequence[str],
    names: Sequence[str],
    estimated: Sequence[bool],
    front: Sequence[int],
    labels: tuple[str, str],
) -> "Figure":
    """One figure of every candidate against another.

    points: (x, y), each with its kinds, which have a colour, names and whether it is estimated: then it is open. front:
    numbers of the points on it, which are numbered and named in the legend, and so are the others if there are few;
    labels: of the axes.
    """
    from matplotlib.figure import Figure

    drawn = Figure(figsize=(9.5, HEIGHT), layout="constrained")
    axes = drawn.add_subplot()
    for number, kind in enumerate(dict.fromkeys(kinds)):
        for hollow in (False, True):
            chosen = [p for p, k, e in zip(points, kinds, estimated, strict=True) if k == kind and e == hollow]
            if chosen:
                entry = kind + (", estimated" if hollow else "")
                x, y = zip(*chosen, strict=True)
                face = "none" if hollow else f"C{number}"
                edge, marker = f"C{number}", MARKERS[number % len(MARKERS)]
                axes.scatter(
                    x, y, marker=marker, edgecolors=edge, facecolors=face, alpha=0.75, label=entry, s=45, zorder=3
                )
    line = [points[place] for place in front]
    axes.step(*zip(*line, strict=True), where="post", color="0.6", zorder=1, label="front")
    others = [place for place in range(len(points)) if place not in front] if len(points) <= NAMED else []
    for number, place in enumerate(
        [*front, *others], 1
    ):  # names are long and neighbours close: numbers there, names beside
        axes.annotate(
            str(number), points[place], xytext=(-6, -6), textcoords="offset points", fontsize=8, ha="right", va="top"
        )
        axes.plot([], [], " ", label=f"{number}  {names[place]}")
    positive = all(x > 0 for x, _ in points)
    axes.set(xscale="log" if positive else "linear", xlabel=labels[0], ylabel=labels[1])
    axes.grid(alpha=0.3)
    axes.margins(y=0.12)
    drawn.set_figheight(max(HEIGHT, LINE * (len(axes.get_legend_handles_labels()[1]) + 1)))
    drawn.legend(fontsize=8, loc="outside right upper")
    return drawn
