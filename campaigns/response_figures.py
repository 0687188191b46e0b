"""Figures of `response.py`: response against pT and eta, histograms, and the spreads of all algorithms."""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from response_blocks import ALONE, ELECTRONS, KINDS, STAGES, Sources, calibrate, everything, slug
from response_codecs import AS_PHYSICS, LEARNED, title
from response_tables import published_of

from qcompress.detectors import Table
from qcompress.detectors.hgcal.clustering.scores import against_eta, against_pt, final, profile_table, responses
from qcompress.detectors.hgcal.clustering.settings import X_Y, BackEnd
from qcompress.detectors.hgcal.evaluation.algorithms import CHIP
from qcompress.metrics.response import Response, response
from qcompress.plots.response import response_figure, response_histograms
from qcompress.plots.style import COLOURS, canvas, house_style
from qcompress.report.tables import as_csv

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NOT_DRAWN = ("bc-stc-shared", "threshold-if-sent", "bc-stc-if-sent")
"""Against pT and eta and as histograms: they lie on `bc-stc-equal` and `threshold-equal`."""


def draw(folder: Path, given: argparse.Namespace) -> Iterator[Table]:
    """Response and resolution against pT and eta, histograms, seeded in x/z and y/z as in the study."""
    back_end, out = BackEnd(X_Y), given.figures
    found = everything(folder, given)
    chip = [a for a in found if (a in CHIP and a not in NOT_DRAWN) or a.startswith(LEARNED)]
    encoders = [algorithm for algorithm in found if algorithm not in CHIP and algorithm not in chip]
    own = [algorithm for algorithm in encoders if not algorithm.endswith(AS_PHYSICS)]
    groups = {"": [*chip, *encoders[:1]], "_encoders": [*chip[:1], *own]}
    for name, stage, key in (*STAGES, ALONE):
        whole, counted = {}, {}
        for algorithm, sources in found.items():
            calibration = calibrate(sources, algorithm, back_end)[key]
            matched = sources[name].matched(back_end, sources[name].test)
            whole[algorithm] = (matched, responses(matched, calibration)[stage])
            counted[algorithm] = (final(matched), responses(final(matched), calibration)[stage])
        short, heading = slug(KINDS[name]), f"qcompress HGCAL fast simulation, {name}, {stage}"
        wide_pt = np.array([5.0, *np.arange(20, 201, 20)])
        wide_eta = np.array([1.6, 1.8, 2.0, 2.2, 2.4, 2.6, 2.9])
        spread = 0.4 if name == ELECTRONS else 0.2
        bins = np.linspace(1 - spread, 1 + spread, 41)
        for group, shown in groups.items():
            by_pt = {title(a): against_pt(*whole[a], wide_pt) for a in shown}
            by_eta = {title(a): against_eta(*counted[a], wide_eta) for a in shown}
            values = {title(a): counted[a][1] for a in shown}
            for what, figure in (
                ("response_pt", response_figure(by_pt, "generated $p_T$ [GeV]", heading)),
                ("response_eta", response_figure(by_eta, r"$|\eta|$ of the particle", heading)),
                ("response", response_histograms(values, bins, title=heading)),
            ):
                figure.savefig(out / f"{what}{group}_{short}.png", dpi=65)
        fine = {"generated pT": against_pt, "|eta|": against_eta}
        for (quantity, against), word, pairs in zip(fine.items(), ("pt", "eta"), (whole, counted), strict=True):
            profiles = {title(algorithm): against(*pair) for algorithm, pair in pairs.items()}
            table = profile_table(f"{name}, {stage}, against {quantity}", quantity, profiles)
            (folder / f"profile_{word}_{short}.csv").write_text(as_csv(table))
            yield table
    summary_figure(list(resolutions(found, back_end))).savefig(out / "response_summary.png", dpi=75)


Resolution = tuple[str, str, Response]
"""Algorithm, its title, and its response at one of the stages."""


def resolutions(found: dict[str, Sources], back_end: BackEnd) -> Iterator[list[Resolution]]:
    """Of all algorithms, stage by stage."""
    for name, stage, key in STAGES:
        shown = []
        for algorithm, sources in found.items():
            matched = final(sources[name].matched(back_end, sources[name].test))
            values = responses(matched, calibrate(sources, algorithm, back_end)[key])[stage]
            shown.append((algorithm, title(algorithm), response(values, 1)))
        yield shown


def summary_figure(stages: list[list[Resolution]]) -> "Figure":
    """Resolutions of all algorithms, one below the other, beside the published ones."""
    with house_style(16, 18, 14):
        figure, columns = canvas((14, 0.5 * len(stages[0]) + 3), columns=2)
        for axes, (name, stage, _), shown, place in zip(columns, STAGES, stages, (1, 2), strict=True):
            for row, (algorithm, _, one) in enumerate(shown):
                for number, figure_of in enumerate(("rms_over_mean", "effective_rms")):
                    value, error = (getattr(part, figure_of) for part in (one.value, one.error))
                    label = ("rms / mean", "effective rms")[number] if not row else None
                    axes.errorbar(
                        value, row, xerr=error, fmt="os"[number], color=COLOURS[number], capsize=2, label=label
                    )
                words = published_of(algorithm)[place].split("-")
                if words[0]:
                    low, high = float(words[0]), float(words[-1])
                    label = "published rms / mean" if not row else None
                    axes.barh(row, high - low + 2e-3, 0.6, low - 1e-3, color="0.8", zorder=0, label=label)
            axes.set(xlabel="spread of $p_T$ / generated $p_T$", ylim=(len(shown) - 0.4, -0.6), xlim=(0, None))
            axes.set_title(f"{name}, {stage}", loc="left", fontsize=16)
            axes.set_xticks(np.arange(0, axes.get_xlim()[1], 0.05))
            axes.set_yticks(range(len(shown)), [words for _, words, _ in shown] if place == 1 else [])
            axes.tick_params(axis="y", which="both", length=0)
        figure.legend(*columns[0].get_legend_handles_labels(), frameon=False, loc="outside upper center", ncols=3)
        figure.canvas.draw()
    return figure
