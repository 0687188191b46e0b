"""Successive halving without waiting (ASHA, Li et al., arXiv:1810.05934): a poor training is stopped early.

Behind epoch 1, 3, 9, .. (each a rung) a trial goes on if its validation loss is among the best third of all trials that
have come so far; the first one always does. The losses lie in files, which trials on other machines see too.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path

from qcompress.files import write_json

FACTOR = 3


class Stopped(Exception):  # noqa: N818 - no fault
    """A training that is not worth going on with; epoch: behind which."""

    def __init__(self, epoch: int) -> None:
        super().__init__(epoch)
        self.epoch = epoch


def rung(epoch: int) -> bool:
    """Whether trials are compared behind an `epoch`: 1, 3, 9, .."""
    while epoch % FACTOR == 0 and epoch > 0:
        epoch //= FACTOR
    return epoch == 1


def goes_on(loss: float, others: list[float]) -> bool:
    """Whether a `loss` is among the best third of itself and all `others`; the best one is."""
    competing = sorted([*others, loss])
    return loss <= competing[max(0, len(competing) // FACTOR - 1)]


@dataclass
class Watch:
    """Watches the trainings of trial `number`; folder: of everybody's losses; losses: its own at every rung.

    Networks that are trained one after another have rungs of their own.
    """

    number: int
    folder: Path
    losses: dict[int, float] = field(default_factory=dict)

    def __call__(self, network: str, epoch: int, loss: float) -> None:
        """Take the validation loss of an epoch, from 1 on; raises Stopped where the trial is not to go on."""
        if not rung(epoch):
            return
        self.losses[epoch] = loss
        place = self.folder / network / str(epoch)
        write_json(place / f"{self.number}.json", loss)
        others = [json.loads(path.read_text()) for path in place.glob("*.json") if path.stem != str(self.number)]
        if not goes_on(loss, others):
            raise Stopped(epoch)
