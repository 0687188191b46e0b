"""Whether a sample has events for what a run needs: said before minutes of work, not after them."""

from collections.abc import Collection
from typing import Any

import numpy.typing as npt

from qcompress.config import Config
from qcompress.detectors import TEST, TRAIN, VALIDATION, Detector
from qcompress.errors import QcompressError

NEEDED = {"train": {TRAIN: "training", VALIDATION: "validation"}, "verify": {TEST: "test"}, "evaluate": {TEST: "test"}}
"""Step -> parts of the split, and their words, without which it cannot run."""


def check_events(config: Config, detector: Detector, steps: Collection[str]) -> None:
    """Raises QcompressError if the sample of config has no events for one of the `steps` that are to run.

    Nothing is said of a selection, and of a sample of which its detector does not tell the split before it is made.
    """
    sample = config.sample
    if sample.select is not None:
        return
    parts = {part: words for step, own in NEEDED.items() if step in steps for part, words in own.items()}
    if sample.file is not None:
        split, what = detector.split_of(sample.file), str(sample.file)
    else:
        split, what = detector.simulated_split(sample.events, config.seed), f"sample.events {sample.events}"
    if split is not None:
        check_split(split, what, parts)


def check_split(split: npt.NDArray[Any], what: str, parts: dict[int, str]) -> None:
    """Raises QcompressError if none of the events, by their parts of the `split`, is in one of the `parts`.

    what: the events are of.
    """
    for part, words in parts.items():
        if part not in split:
            rule = "events are split by number and seed, 60, 15 and 20 % for training, validation and test"
            raise QcompressError(f"{what}: none of {len(split)} events is for {words}; {rule}: give more")
