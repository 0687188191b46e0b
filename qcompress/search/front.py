"""The front that one training left: of each number of bit operations that was wanted a candidate of its own."""

from collections.abc import Sequence
from pathlib import Path

from qcompress.candidate import Candidate
from qcompress.candidate.figures import GRAPHS, TRAINING
from qcompress.config import Config, SampleOptions, parse_config
from qcompress.detectors import Table
from qcompress.errors import QcompressError
from qcompress.frontends import models_in
from qcompress.pipeline.job import Job
from qcompress.progress import Reporter
from qcompress.search.figures import figures_of, implementation, target_of
from qcompress.training.checkpoint import at

CHECKPOINTS = Path("model", "checkpoints")


def make_front(folder: Path, until: str | None, reporter: Reporter) -> Table:
    """Make the candidates of the checkpoints that the training of the one in `folder` kept; what each of them is.

    Each lies beside it, in FOLDER_at_N, with its sample. until: the last step of each; reporter: shows how far they
    are. Raises QcompressError for a candidate whose training kept no such checkpoints.
    """
    from qcompress import pipeline

    whole = Candidate.open(folder)
    told, trained = whole.manifest["config"], whole.figures_if_run(TRAINING)
    config = parse_config(told, folder) if told else None
    wanted = config.training.bit_operations if config is not None else ()
    if config is None or trained is None or not wanted:
        raise QcompressError(
            f"{folder}: its training kept no front; give training.bit_operations in its config and train it"
        )
    whole.check_intact("train")
    kept = [most for most in wanted if _is_there(folder, most, list(trained))]
    if not kept:
        raise QcompressError(f"{folder}: no epoch had so few bit operations as {min(wanted)}; raise training.penalty")
    rows, sample = [], Job(config, whole, whole.detector).sample
    for most in sorted(kept, reverse=True):
        place = folder.with_name(f"{folder.resolve().name}_{at(most)}")
        reporter.line(f"front: at most {most} bit operations, {place}")
        rows.append((most, pipeline.run(of_front(config, sample, folder, most), place, until, reporter)))
    return _table(config, rows)


def of_front(config: Config, sample: Path, folder: Path, most: int) -> Config:
    """The config of the candidate of a checkpoint: nothing is trained.

    config: of the candidate in `folder`, whose sample file is `sample`; most: bit operations of the checkpoint.
    """
    start = (folder / CHECKPOINTS / at(most)).resolve()
    training = config.training.model_copy(update={"epochs": 0, "start": start, "keep": "last", "bit_operations": ()})
    own = {"name": f"{config.name}_{at(most)}", "sample": SampleOptions(file=sample.resolve()), "training": training}
    return config.model_copy(update=own)


def _is_there(folder: Path, most: int, networks: Sequence[str]) -> bool:
    return all(list(models_in(folder / CHECKPOINTS / at(most), name)) for name in networks)


def _table(config: Config, rows: Sequence[tuple[int, Candidate]]) -> Table:
    """What the candidates are: figures that all of them have, in the order in which steps give them."""
    target, clock = target_of(implementation(config)), config.hardware.clock_mhz
    found = [figures_of(made, target, clock) for _, made in rows]
    names = [name for name in found[0] if all(name in each for each in found)]
    told: list[tuple[str | int | float | None, ...]] = [
        (most, made.folder.name, *(each[name] for name in names))
        for (most, made), each in zip(rows, found, strict=True)
    ]
    note = "lut, ff and cycles without a tool's name are estimated" if GRAPHS.step in rows[0][1].steps else ""
    return Table("Front of one training", ("bit operations", "candidate", *names), tuple(told), note)
