"""What `response.py` keeps of its samples, block by block, and the calibrations that are made of it."""

import argparse
import re
from pathlib import Path

import numpy as np
from response_codecs import title

from qcompress.detectors.hgcal.clustering.calibration import Calibration, fit_eta_correction, fit_layer_weights
from qcompress.detectors.hgcal.clustering.matching import Matched
from qcompress.detectors.hgcal.clustering.scores import CALIBRATED, CORRECTED
from qcompress.detectors.hgcal.clustering.settings import X_Y, BackEnd
from qcompress.errors import QcompressError

PHOTONS, ELECTRONS, ELECTRONS_ALONE = "photons 0 PU", "electrons 200 PU", "electrons 0 PU"
KINDS = {PHOTONS: "photon-0pu", ELECTRONS: "electron-200pu", ELECTRONS_ALONE: "electron-0pu"}
CALIBRATING = (PHOTONS, ELECTRONS)
"""Samples that calibrations are made of."""
BACK_ENDS = (
    BackEnd(),
    BackEnd(X_Y),
    BackEnd(distance=None),
    BackEnd(distance=0.005),
    BackEnd(distance=0.045),
    BackEnd(X_Y, zero_suppression_mipt=0.0),
)
STAGES = ((PHOTONS, CALIBRATED, (PHOTONS, PHOTONS)), (ELECTRONS, CORRECTED, (PHOTONS, ELECTRONS)))
"""What is published: layer weights of photons, correction of electrons."""
ALONE = (ELECTRONS_ALONE, CALIBRATED, (PHOTONS, PHOTONS))
"""Electrons without pile-up as photons without: layer weights of those."""
LINKS = "links"
"""In a block: the allocation of links that it was made with."""
Sources = dict[str, "Clustered"]
"""By sample, of one algorithm."""


def parts(event: np.ndarray, split: np.ndarray, calibration_events: int, test_events: int | None) -> list[np.ndarray]:
    """Events for calibration, those of the calibration part first and of the test part last; and events for figures."""
    rank = np.array([2, 1, 3, 0])[split]  # training, validation, test, calibration
    ordered = event[np.argsort(rank, kind="stable")]
    return [ordered[:calibration_events], ordered[calibration_events:][::-1][:test_events]]


def slug(words: str) -> str:
    """Words as a part of a file's name."""
    return "_".join(re.findall(r"[\w.-]+", words))


class Clustered:
    """What the blocks of one sample hold for one algorithm: of events for calibration, and of some for figures."""

    def __init__(
        self, folder: Path, kind: str, algorithm: str, calibration_events: int, test_events: int | None
    ) -> None:
        own = folder / "blocks" / kind / slug(title(algorithm))
        files = [np.load(path) for path in sorted(own.glob(f"*_{calibration_events}.npz"))]
        names = [name for name in files[0].files if name != LINKS]
        self._columns = {name: np.concatenate([file[name] for file in files]) for name in names}
        events, split = (self._columns[name] for name in ("events", "split"))
        self.calibration, self.test = parts(events, split, calibration_events, test_events)

    def matched(self, back_end: BackEnd, events: np.ndarray) -> Matched:
        """Matched clusters of some events."""
        everything = Matched._make(self._columns[f"{back_end.name}|{name}"] for name in Matched._fields)
        return everything.chosen(np.isin(everything.event, events))

    def accepted(self, events: np.ndarray) -> int:
        """Particles of some events that count in final figures, matched or not."""
        return int(np.isin(self._columns["accepted"], events).sum())


def calibrate(found: Sources, algorithm: str, back_end: BackEnd) -> dict[tuple[str, str], Calibration]:
    """Calibrations of an algorithm: layer weights of either sample, corrections in eta of either."""
    matched = {name: found[name].matched(back_end, found[name].calibration) for name in CALIBRATING}
    made = {"algorithm": title(algorithm), "back_end": back_end.name}
    origin = {name: {"sample": name, "events": len(found[name].calibration), **made} for name in CALIBRATING}
    layered = {name: fit_layer_weights(matched[name], origin[name]) for name in CALIBRATING}
    return {
        (weights, eta): fit_eta_correction(layered[weights], matched[eta], origin[eta])
        for weights in CALIBRATING
        for eta in CALIBRATING
    }


def back_ends(given: argparse.Namespace) -> tuple[BackEnd, ...]:
    """Those that are wanted."""
    return tuple(one for one in BACK_ENDS if given.back_ends is None or one.name in given.back_ends)


def algorithms(given: argparse.Namespace) -> list[str]:
    """Of the chip, those that learned of a sample, then candidates by folder, then published encoders."""
    return [*given.algorithms, *given.learned, *(str(folder) for folder in given.candidates), *given.published]


def numbers_of_events(name: str, given: argparse.Namespace) -> tuple[int, int | None]:
    """Events of a sample for calibration, none where nothing is calibrated on it, and for figures, all if None."""
    return given.calibration_events if name in CALIBRATING else 0, given.test_events


def check_block(path: Path, given: argparse.Namespace) -> bool:
    """Whether a block that is there says its links; raises QcompressError if they, or its back ends, are others."""
    with np.load(path, allow_pickle=False) as block:
        links = str(block[LINKS]) if LINKS in block.files else None
        lost = [one.name for one in back_ends(given) if f"{one.name}|{Matched._fields[0]}" not in block.files]
    if links not in (None, given.links):
        raise QcompressError(f"{path}: made with --links {links}, not {given.links}; take another FOLDER")
    if lost:
        raise QcompressError(f"{path}: made without --back-ends {', '.join(map(repr, lost))}; take another FOLDER")
    return links is not None


def everything(folder: Path, given: argparse.Namespace) -> dict[str, Sources]:
    """By algorithm and sample; all of the same events."""
    found = {
        algorithm: {
            name: Clustered(folder, kind, algorithm, *numbers_of_events(name, given)) for name, kind in KINDS.items()
        }
        for algorithm in algorithms(given)
    }
    for name in KINDS:
        seen = {algorithm: (of[name].calibration.tolist(), of[name].test.tolist()) for algorithm, of in found.items()}
        first = next(iter(seen.values()))
        if others := [title(algorithm) for algorithm, events in seen.items() if events != first]:
            raise QcompressError(
                f"{folder}, {name}: blocks of {', '.join(others)} are of other events; take another FOLDER"
            )
    return found
