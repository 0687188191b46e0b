"""The study of a search: which trial is next, and what came of those before, kept by optuna in a database.

Optuna chooses in memory; the database gets a trial whole, with all its values, so that a kill leaves no half of one.
What trial n is depends on the seed, on n and on the trials that are finished, not on the process that asks.
"""

import json
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from qcompress.config.search import SearchOptions
from qcompress.errors import QcompressError
from qcompress.search.sampling import sampler
from qcompress.search.space import distributions
from qcompress.search.storage import opened, shown

IDENTITY = "qcompress:"
"""In front of the study's attributes that say what it is for."""
STATES = {
    TrialState.COMPLETE: "complete",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "failed",
    TrialState.RUNNING: "running",
}


@dataclass(frozen=True)
class Outcome:
    """What came of a trial: its figures, or the one line of its fault, or the epoch behind which it was stopped.

    losses: validation losses of the epochs at which it was compared with others; same_as: the earlier trial whose
    values it has; seconds: that it took.
    """

    number: int
    figures: Mapping[str, float] = field(default_factory=dict)
    fault: str | None = None
    stopped: int | None = None
    losses: Mapping[int, float] = field(default_factory=dict)
    same_as: int | None = None
    seconds: float = 0.0


@dataclass(frozen=True)
class Trial:
    """A trial as the study holds it; drawn: its values, by dotted key, as optuna has them."""

    number: int
    state: str
    drawn: Mapping[str, Any]
    outcome: Outcome | None


class Study:
    """Trials of a search in a database.

    url: of the database, SQLAlchemy's; name: of the study in it; identity: what the search is for, by part, each a
    hash. Raises QcompressError for a database that cannot be opened, and for a study of something else.
    """

    def __init__(self, url: str, name: str, options: SearchOptions, identity: Mapping[str, str]) -> None:
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self._options, self._distributions = options, distributions(options)
        self._directions = list(options.objectives.values())
        self._kept, self._storage = opened(url, name, self._directions)
        self._check(url, identity)
        self._scratch = optuna.storages.InMemoryStorage()
        self._memory = optuna.create_study(storage=self._scratch, study_name=name, directions=self._directions)
        self._kept.sampler = optuna.samplers.RandomSampler(seed=0)  # asked for nothing
        self._trials: list[Trial] = []
        self._made: dict[str, Outcome] = {}
        self._front: dict[int, tuple[float, ...]] = {}
        for trial in self._kept.get_trials(deepcopy=False):
            self._memory.add_trial(trial)
            self._trials.append(_trial(trial))
            if (outcome := self._trials[-1].outcome) is not None:
                self._remember(outcome)

    def _check(self, url: str, identity: Mapping[str, str]) -> None:
        """Raise unless the study is new, or of the same things."""
        known = self._kept.user_attrs
        for part, told in identity.items():
            if (before := known.get(f"{IDENTITY}{part}")) is None and not self._kept.get_trials(deepcopy=False):
                self._kept.set_user_attr(f"{IDENTITY}{part}", told)
            elif before != told:
                raise QcompressError(
                    f"{shown(url)}: holds a study with another {part}; choose another folder with --out, or another "
                    "database with --storage"
                )

    def trials(self) -> list[Trial]:
        """All trials, in order."""
        return list(self._trials)

    def same(self, trial: Trial) -> Outcome | None:
        """What came of an earlier trial with the values of this one; None if there is none, or it was stopped."""
        return self._made.get(_key(trial.drawn))

    def propose(self) -> Trial:
        """The next trial, which runs from now on."""
        number = len(self._trials)
        self._memory.sampler = sampler(self._options, number)
        self._memory.ask(self._distributions)
        trial = self._memory.get_trials(deepcopy=False)[number]
        self._kept.add_trial(trial)
        self._trials.append(_trial(trial))
        return self._trials[-1]

    def tell(self, outcome: Outcome) -> None:
        """Enter what came of a running trial."""
        self._enter(self._memory, self._scratch, outcome)
        self._enter(self._kept, self._storage, outcome)
        state = "failed" if outcome.fault is not None else "pruned" if outcome.stopped is not None else "complete"
        self._trials[outcome.number] = replace(self._trials[outcome.number], state=state, outcome=outcome)
        self._remember(outcome)

    def _remember(self, outcome: Outcome) -> None:
        """Know the values that were made, and the front, without asking optuna, which reads all trials each time."""
        if outcome.stopped is not None:
            return
        self._made.setdefault(_key(self._trials[outcome.number].drawn), outcome)
        if outcome.fault is not None or not self.within(outcome):
            return
        ways = self._options.objectives.items()
        point = tuple(outcome.figures[name] * (1 if way == "minimize" else -1) for name, way in ways)
        if not any(_beats(other, point) for other in self._front.values()):
            self._front = {n: other for n, other in self._front.items() if not _beats(point, other)}
            self._front[outcome.number] = point

    def within(self, outcome: Outcome) -> bool:
        """Whether the figures of a complete trial keep to all constraints."""
        bounds = self._options.constraints.items()
        return all(bound.excess(outcome.figures[name]) <= 0 for name, bound in bounds)

    def _enter(self, study: optuna.Study, storage: optuna.storages.BaseStorage, outcome: Outcome) -> None:
        own = storage.get_study_id_from_name(study.study_name)
        trial = storage.get_trial_id_from_study_id_trial_number(own, outcome.number)
        told = {
            "figures": dict(outcome.figures),
            "fault": outcome.fault,
            "stopped": outcome.stopped,
            "losses": {str(epoch): loss for epoch, loss in outcome.losses.items()},
            "same_as": outcome.same_as,
            "seconds": outcome.seconds,
        }
        storage.set_trial_user_attr(trial, "outcome", told)
        for name, bound in self._options.constraints.items():
            if name in outcome.figures:
                excess = bound.excess(outcome.figures[name])
                storage.set_trial_system_attr(trial, f"constraints:{name}", excess)
        if outcome.fault is not None:
            study.tell(outcome.number, state=TrialState.FAIL)
        elif outcome.stopped is not None:
            if len(self._directions) == 1:  # optuna compares stopped trials of one objective
                sign = 1 if self._directions[0] == "minimize" else -1
                for epoch, loss in outcome.losses.items():
                    storage.set_trial_intermediate_value(trial, epoch, sign * loss)
            study.tell(outcome.number, state=TrialState.PRUNED)
        else:
            study.tell(outcome.number, [outcome.figures[name] for name in self._options.objectives])

    def best(self) -> list[int]:
        """Numbers of the complete trials within all constraints that no other one beats in all objectives."""
        return sorted(self._front)

    def importance(self) -> dict[str, dict[str, float]]:
        """Objective -> dotted key -> its share in what is good (PED-ANOVA, arXiv:2304.10255); none of a few trials."""
        complete = self._memory.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        if len(complete) < FEWEST:
            return {}
        found = {}
        for place, name in enumerate(self._options.objectives):
            sign = 1 if self._directions[place] == "minimize" else -1
            evaluator = optuna.importance.PedAnovaImportanceEvaluator(evaluate_on_local=False)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)  # that smaller is meant to be better, or of few trials
                shares = optuna.importance.get_param_importances(
                    self._memory, evaluator=evaluator, target=partial(_signed, place, sign)
                )
            found[name] = dict(shares)
        return found


def _key(drawn: Mapping[str, Any]) -> str:
    """Values of a trial as one text."""
    return json.dumps(drawn, sort_keys=True)


def _beats(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    """Whether a point is nowhere larger than another one, and somewhere smaller."""
    return one != other and all(a <= b for a, b in zip(one, other, strict=True))


def _signed(place: int, sign: int, trial: FrozenTrial) -> float:
    """An objective of a trial, smaller being better."""
    return float(sign * trial.values[place])


FEWEST = 10
"""Complete trials from which on importance says something."""


def _trial(trial: FrozenTrial) -> Trial:
    told = trial.user_attrs.get("outcome")
    outcome = None
    if told is not None and trial.state != TrialState.RUNNING:
        losses = {int(epoch): loss for epoch, loss in told["losses"].items()}
        outcome = Outcome(trial.number, **{**told, "losses": losses})
    return Trial(trial.number, STATES.get(trial.state, "waiting"), dict(trial.params), outcome)
