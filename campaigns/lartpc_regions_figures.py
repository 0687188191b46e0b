"""Figures of campaigns/lartpc_regions.py."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from lartpc_regions_counts import CHARGE, EDGES, ENERGY, Counts, drawn, efficiency

from qcompress.plots.style import canvas, house_style

LABELS = {ENERGY: "deposited energy of a hit [MeV]", CHARGE: "charge of a hit [electrons]"}
SHOWN = {ENERGY: (0.015, 0.5), CHARGE: (500, 30_000)}
TICKS = {ENERGY: (0.02, 0.05, 0.1, 0.2, 0.5), CHARGE: (500, 1000, 2000, 5000, 10_000, 20_000)}


def efficiencies_figure(path: Path, found: Mapping[int, Mapping[str, Counts]]) -> None:
    """Hits that are found against energy and charge, a row of axes for each share of kept ticks; errors: of events.

    Energies are left out where hits have none.
    """
    first = next(iter(next(iter(found.values())).values()))
    labels = {size: label for size, label in LABELS.items() if first.hits[size]}
    with house_style(15, 16, 11):
        figure, axes = canvas((16, 4.2 * len(found)), len(found), len(labels))
        for row, ways in enumerate(found.values()):
            for column, (size, label) in enumerate(labels.items()):
                own, centre = axes[row * len(labels) + column], np.sqrt(EDGES[size][1:] * EDGES[size][:-1])
                for place, (name, counts) in enumerate(ways.items()):
                    every = np.arange(len(counts.hits[size]))
                    spread = np.nanstd(drawn(counts, size), axis=0)
                    own.errorbar(
                        centre,
                        100 * efficiency(counts, size, every),
                        yerr=100 * spread,
                        fmt="osD^"[place] + "-",
                        ms=4,
                        lw=1,
                        label=f"{name}: {100 * counts.share:.1f} % kept",
                    )
                own.set(xscale="log", xlim=SHOWN[size], ylim=(0, 102), xlabel=label, ylabel="found [%]")
                own.set_xticks(TICKS[size], [f"{tick:g}" for tick in TICKS[size]])
                own.set_xticks([], minor=True)
                own.grid(alpha=0.3)
                if size == CHARGE:
                    own.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
        figure.savefig(path, dpi=90, metadata={"Software": None})
