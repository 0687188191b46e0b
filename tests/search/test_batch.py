"""Scripts for batch systems: what is asked for, and the worker that they start."""

import re

import pytest

from qcompress.config.search import BatchOptions
from qcompress.errors import QcompressError
from qcompress.search.batch import check_system, job_script

ASKED = BatchOptions(
    cores=4, memory="8GB", walltime="01:30:00", disk="2GB", queue="short", account="cms", prologue=("module load x",)
)


def test_slurm():
    lines = job_script("slurm", ASKED, "tcp://host:8786").splitlines()
    assert lines[0] == "#!/usr/bin/env bash"
    for wanted in ("-J qcompress-search", "-p short", "-A cms", "--cpus-per-task=4", "--mem=8G", "-t 01:30:00"):
        assert f"#SBATCH {wanted}" in lines
    assert "module load x" in lines
    assert re.search(r"python\S* -m distributed\.cli\.dask_worker tcp://host:8786 --nthreads 1 ", lines[-1])
    assert "--name" not in lines[-1]  # two workers of one name would be one too many


def test_htcondor():
    text = job_script("htcondor", ASKED, "tcp://host:8786")
    assert "MY.DaskWorkerCores = 4" in text
    assert "MY.DaskWorkerDisk = 2000000000" in text
    assert re.search(r"Arguments = .*module load x; .*dask_worker tcp://host:8786 --nthreads 1 ", text)
    assert text.rstrip().endswith("Queue")


def test_another_system_is_one_line():
    with pytest.raises(QcompressError, match="--jobscript pbs: give one of slurm, htcondor"):
        check_system("pbs")
    with pytest.raises(QcompressError, match=r"search\.batch: "):
        job_script("slurm", BatchOptions(memory="much"), "tcp://host:8786")
