"""Scripts with which a batch system starts dask workers, one trial at a time each, that a search's scheduler knows."""

from collections.abc import Callable, Mapping
from typing import Any

from qcompress.config.search import BatchOptions
from qcompress.errors import QcompressError

NAME = "qcompress-search"


def job_script(system: str, options: BatchOptions, scheduler: str) -> str:
    """What a batch `system`, slurm or htcondor, is to be given to start one worker.

    options: what a job asks for; scheduler: address of the dask scheduler that the worker connects to.
    """
    asked = {
        "name": NAME,
        "job_name": NAME,
        "cores": options.cores,
        "processes": 1,
        "memory": options.memory,
        "worker_extra_args": [],
        "job_script_prologue": list(options.prologue),
        "nanny": True,
    }
    try:
        return SYSTEMS[system](scheduler, options, asked)
    except ValueError as fault:
        raise QcompressError(f"search.batch: {fault}") from None


def _jobs(system: str) -> Any:
    """The library's module of a batch system."""
    import dask_jobqueue

    return getattr(dask_jobqueue, system)


def _slurm(scheduler: str, options: BatchOptions, asked: Mapping[str, Any]) -> str:
    job = _jobs("slurm").SLURMJob(
        scheduler, queue=options.queue, account=options.account, walltime=options.walltime, **asked
    )
    return _one_at_a_time(str(job.job_script()), options)


def _htcondor(scheduler: str, options: BatchOptions, asked: Mapping[str, Any]) -> str:
    job = _jobs("htcondor").HTCondorJob(scheduler, disk=options.disk, **asked)
    return _one_at_a_time(str(job.job_script()), options)


def _one_at_a_time(script: str, options: BatchOptions) -> str:
    """The script with a worker of one thread: all cores of the job belong to one trial, and its name to the worker."""
    return script.replace(f"--nthreads {options.cores}", "--nthreads 1").replace(f" --name {NAME}", "")


SYSTEMS: Mapping[str, Callable[[str, BatchOptions, Mapping[str, Any]], str]] = {"slurm": _slurm, "htcondor": _htcondor}
"""Batch system -> its script."""


def check_system(name: str) -> None:
    """Raises QcompressError for a batch system that is not known."""
    if name not in SYSTEMS:
        raise QcompressError(f"--jobscript {name}: give one of {', '.join(SYSTEMS)}")
