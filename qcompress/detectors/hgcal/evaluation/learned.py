"""What codecs learn of a sample's training modules: their mean image, and where the sums of frames belong."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from qcompress.detectors import TRAIN
from qcompress.detectors.hgcal import samples
from qcompress.detectors.hgcal.econt.numbers import Density
from qcompress.detectors.hgcal.econt.registers import Registers
from qcompress.detectors.hgcal.evaluation.algorithms import (
    Codec,
    Front,
    OnLinks,
    Say,
    best_choices,
    best_choices_sent,
    groups_sent,
    mixed,
    on_links,
    super_trigger_cells,
    threshold_sums,
    thresholds_sent,
)
from qcompress.detectors.hgcal.evaluation.events import LinkAllocation, Modules, modules
from qcompress.detectors.hgcal.evaluation.remaining import Regression, Sent, spread_equally
from qcompress.detectors.hgcal.module import geometry
from qcompress.fixedpoint import Values

ROWS = 100_000
"""Training modules that are looked at."""
Place = tuple[Density, int]
"""Density and links of modules."""


@dataclass(frozen=True, eq=False)
class Regressions:
    """How the sums of frames are laid on trigger cells, by density and links: of each algorithm that sends some."""

    threshold: dict[Place, Regression]
    best_choice: dict[Place, Regression]
    groups: dict[Place, Regression]

    @classmethod
    def fitted(cls, training: Modules) -> "Regressions":
        """Those of `training` modules, whose links are the ones that frames will have."""
        found = cls({}, {}, {})
        threshold_sums(training, _fit(thresholds_sent, found.threshold))
        best_choices(training, _fit(best_choices_sent, found.best_choice))
        for all_groups in (True, False):
            super_trigger_cells(training, _fit(groups_sent, found.groups), all_groups)
        return found

    def codecs(self) -> dict[str, Codec]:
        """The algorithms that send sums, decoded so."""
        threshold = on_links(thresholds_sent, partial(_expected, self.threshold))
        best = on_links(best_choices_sent, partial(_expected, self.best_choice))
        groups = on_links(groups_sent, partial(_expected, self.groups))
        by = "by regression"
        return {
            "threshold-linear": Codec(f"Threshold 1.35 mipT, rest {by}", partial(threshold_sums, decode=threshold)),
            "bc-linear": Codec(f"best choice, rest {by}", partial(best_choices, decode=best), limited=True),
            "stc-linear": Codec(f"STC4/16, sum {by}", partial(super_trigger_cells, decode=groups), limited=True),
            "bc-stc-linear": Codec(
                f"mixed BC+STC, rest and sum {by}", partial(mixed, decode=best, groups=groups), limited=True
            ),
        }


def _place(registers: Registers) -> Place:
    return registers.front_end.density, registers.active_links


def _fit(say: Say, into: dict[Place, Regression]) -> OnLinks:
    """In place of a decoder: what frames say of modules is regressed against their charges."""

    def fit(front: Front, registers: Registers) -> Values:
        truth = np.maximum(front.calq - front.empty, 0)
        into[_place(registers)] = Regression.fitted(say(front, registers), truth)
        return np.asarray(truth, np.float64)

    return fit


def _expected(known: Mapping[Place, Regression], sent: Sent, registers: Registers) -> Values:
    """Charges of all cells; sums are spread equally where no training module was like these."""
    found = known.get(_place(registers))
    return np.asarray(spread_equally(sent) if found is None else found(sent))


@dataclass(frozen=True, eq=False)
class Learned:
    """mean_image: mean share of each trigger cell, (48,) in train order, of modules that hold charge."""

    mean_image: Values
    regressions: Regressions


def learn(path: Path, allocation: LinkAllocation) -> Learned | None:
    """From the first training modules of the sample at `path`, ROWS of them, on the links of an `allocation`.

    None without any that holds charge.
    """
    with samples.Handle(path) as handle:
        columns = handle.first(TRAIN, ROWS)
        if not len(columns["split"]):
            return None
        training = modules(columns, allocation, samples.is_calibrated(handle.origin))
    charge = geometry.channels_to_train(training.charge)
    sums = charge.sum(axis=1, keepdims=True)
    some = sums[:, 0] > 0
    if not some.any():
        return None
    return Learned((charge[some] / sums[some]).mean(axis=0), Regressions.fitted(training.chosen(some)))
