"""Matched clusters of several algorithms to tables and figures: calibrated on some events, scored on others."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from qcompress.detectors import Table
from qcompress.detectors.hgcal.clustering import scores
from qcompress.detectors.hgcal.clustering.calibration import Calibration, fit_eta_correction, fit_layer_weights
from qcompress.detectors.hgcal.clustering.matching import Matched
from qcompress.detectors.hgcal.clustering.scores import STAGES, against_eta, against_pt, final, responses
from qcompress.errors import QcompressError
from qcompress.fixedpoint import Values
from qcompress.plots.response import response_figure, response_histograms

if TYPE_CHECKING:
    from matplotlib.figure import Figure

HISTOGRAM_EDGES = np.linspace(0.5, 1.5, 51)


def calibrated(matched: Mapping[str, Matched], sample: str) -> tuple[dict[str, Calibration], str]:
    """Calibrations of every algorithm, each from its own clusters of calibration events of a sample; and what is said.

    matched: those clusters, by title of the algorithm; sample: its name. None at all, and the reason in words, if one
    of them has too few.
    """
    try:
        found = {}
        for title, own in matched.items():
            origin = {"sample": sample, "algorithm": title}
            found[title] = fit_eta_correction(fit_layer_weights(own, origin), own, origin)
    except QcompressError as fault:
        return {}, f"Not calibrated: {fault}."
    fewest = min((len(own.pt) for own in matched.values()), default=0)
    return found, f"Calibrated on {fewest} particles of calibration events or more."


def tables(
    matched: Mapping[str, Matched], calibrations: Mapping[str, Calibration], sample: str, note: str
) -> list[Table]:
    """Responses of all stages, and the last one in bins of generated pT and of |eta|; titles of algorithms are keys.

    matched: clusters that are scored; calibrations: empty for raw responses alone; sample: its name, for the columns;
    note: below the table of responses.
    """
    lines = [
        line
        for title, own in matched.items()
        for line in scores.lines(title, own, {(sample, sample): calibrations[title]} if title in calibrations else {})
    ]
    stage, values = last_stage(matched, calibrations)
    by_pt = {title: against_pt(own, values[title]) for title, own in matched.items()}
    counted = {title: final(own) for title, own in matched.items()}
    inside = last_stage(counted, calibrations)[1]
    by_eta = {title: against_eta(own, inside[title]) for title, own in counted.items()}
    return [
        scores.response_table("Response of clusters", lines, note),
        scores.profile_table(f"Response against generated pT, {stage}", "generated pT [GeV]", by_pt),
        scores.profile_table(f"Response against |eta|, {stage}", "|eta|", by_eta),
    ]


def figures(
    matched: Mapping[str, Matched], calibrations: Mapping[str, Calibration], heading: str
) -> dict[str, "Figure"]:
    """Response and resolution against generated pT and |eta|, histograms of the response, by file name.

    matched, calibrations: as for `tables`; heading: above the axes, the stage is added to it.
    """
    counted = {title: final(own) for title, own in matched.items()}
    stage, values = last_stage(counted, calibrations)
    words = f"{heading}, {stage}"
    by_pt = {title: against_pt(own, values[title]) for title, own in counted.items()}
    by_eta = {title: against_eta(own, values[title]) for title, own in counted.items()}
    return {
        "response_pt": response_figure(by_pt, "generated $p_T$ [GeV]", words),
        "response_eta": response_figure(by_eta, r"$|\eta|$ of the particle", words),
        "response": response_histograms(values, HISTOGRAM_EDGES, title=words),
    }


def last_stage(
    matched: Mapping[str, Matched], calibrations: Mapping[str, Calibration]
) -> tuple[str, dict[str, Values]]:
    """The last stage that there is a calibration for, and the responses (m,) of every algorithm there.

    matched: clusters by title of the algorithm; calibrations: all of them by title, or empty.
    """
    stage = STAGES[-1] if calibrations else STAGES[0]
    return stage, {title: responses(own, calibrations.get(title))[stage] for title, own in matched.items()}
