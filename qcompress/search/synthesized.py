"""The best trials of a search, verified on all bodies and synthesized: what the estimate said, what the tool says."""

import json
from collections.abc import Mapping
from pathlib import Path

from qcompress.detectors import Table
from qcompress.errors import QcompressError
from qcompress.files import write_json
from qcompress.search.asked import Search
from qcompress.search.study import Study

FILE = "synthesized.json"
SYNTHESIZED = "synthesis."


def chosen(search: Search, study: Study) -> list[int]:
    """Numbers of the trials to synthesize, as many as are wanted: of a front spread along it, else the best ones."""
    most, objectives = search.options.synthesize, search.options.objectives
    trials = {trial.number: trial for trial in study.trials()}
    name, way = next(iter(objectives.items()))
    sign = 1 if way == "minimize" else -1
    if len(objectives) == 1:
        complete = [
            t.outcome for t in trials.values() if t.outcome and not t.outcome.fault and t.outcome.stopped is None
        ]
        within = [own for own in complete if study.within(own)]
        pool = sorted({sign * own.figures[name]: own.number for own in reversed(within)}.items())
        return [number for _, number in pool[:most]]
    front = {tuple(_outcome(study, number)[key] for key in objectives): number for number in reversed(study.best())}
    pool_of_front = sorted(front.values(), key=lambda number: sign * _outcome(study, number)[name])
    if len(pool_of_front) <= most:
        return pool_of_front
    if most == 1:
        return pool_of_front[:1]
    places = {round(place * (len(pool_of_front) - 1) / (most - 1)) for place in range(most)}
    return [pool_of_front[place] for place in sorted(places)]


def _outcome(study: Study, number: int) -> Mapping[str, float]:
    outcome = study.trials()[number].outcome
    return outcome.figures if outcome is not None else {}


def read_synthesized(folder: Path) -> dict[int, dict[str, float]]:
    """Figures of the synthesis of trials of the search in `folder`, by number; none if none was synthesized."""
    path = folder / FILE
    if not path.is_file():
        return {}
    try:
        return {int(number): dict(figures) for number, figures in json.loads(path.read_text()).items()}
    except (ValueError, TypeError, AttributeError) as fault:
        raise QcompressError(f"{path}: damaged ({fault}); remove it and run qcompress search again") from None


def keep_synthesized(folder: Path, number: int, figures: Mapping[str, float]) -> None:
    """Enter figures of the synthesis of trial `number` of the search in `folder`."""
    own = {name: value for name, value in figures.items() if name.startswith(SYNTHESIZED)}
    found = read_synthesized(folder) | {number: own}
    write_json(folder / FILE, {str(each): found[each] for each in sorted(found)})


def errors_table(search: Search, study: Study) -> Table | None:
    """Estimate beside synthesis of the trials that were synthesized; None if none was."""
    found = read_synthesized(search.folder)
    rows = []
    for number, figures in found.items():
        guessed = _outcome(study, number)
        for name, value in figures.items():
            if (guess := guessed.get(name.removeprefix(SYNTHESIZED))) is not None and value:
                rows.append((number, name.removeprefix(SYNTHESIZED), guess, value, 100 * (guess / value - 1)))
    if not rows:
        return None
    columns = ("trial", "figure", "estimated", "synthesized", "error [%]")
    return Table(
        "Estimates of the best trials", columns, tuple(rows), f"synthesized with {search.config.synthesis.flow}"
    )
