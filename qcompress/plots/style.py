"""The style of figures, and an empty one."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Entry = TypeVar("Entry")

COLOURS = ("#5790fc", "#f89c20", "#e42536", "#964a8b", "#9c9ca1", "#7a21dd", "#a96b59", "#2a9d8f", "#b9ac70", "#333333")
"""The style's six, and four more for figures that need them."""


def house_style(font: float = 18, labels: float = 20, legend: float = 14) -> Any:
    """A context in which figures are drawn: CMS' style; font, labels, legend: sizes in points.

    The style's own mathematics asks for a cursive font that machines without fonts do not have, and says so on
    standard error.
    """
    import matplotlib as mpl
    import mplhep
    from matplotlib import rcsetup

    style = {**mplhep.style.CMS, "mathtext.fontset": "dejavusans", "axes.prop_cycle": rcsetup.cycler(color=COLOURS)}
    return mpl.rc_context({**style, "font.size": font, "axes.labelsize": labels, "legend.fontsize": legend})


def canvas(size: tuple[float, float], rows: int = 1, columns: int = 1) -> "tuple[Figure, list[Axes]]":
    """An empty figure of rows x columns axes, row by row; size in inches."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained")
    FigureCanvasAgg(figure)
    return figure, list(figure.subplots(rows, columns, squeeze=False).ravel())


def alike(entries: Mapping[str, Entry], equal: Callable[[Entry, Entry], bool]) -> dict[str, Entry]:
    """The entries of a figure, equal ones as one under the labels of all, so that no curve is hidden by another."""
    groups: list[tuple[list[str], Entry]] = []
    for label, entry in entries.items():
        labels = next((own for own, known in groups if equal(known, entry)), None)
        if labels is None:
            groups.append(([label], entry))
        else:
            labels.append(label)
    return {"\n= ".join(labels): entry for labels, entry in groups}
