"""Outside programs are run with a log, and ended with all that they have started."""

import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from qcompress.errors import QcompressError, ToolMissing
from qcompress.fixedpoint import Format
from qcompress.graph import Graph, Node, Relu
from qcompress.targets.processes import ProgramFailed, Simulator, Workers, require, run_logged


def test_a_program_out_of_time_is_ended_with_its_children(tmp_path: Path) -> None:
    """The child writes a file half a second after its parent must be gone."""
    child = "import time, pathlib; time.sleep(1); pathlib.Path('late').touch()"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    with pytest.raises(QcompressError, match=r"waiting took longer than 0\.5 s: see .*log"):
        run_logged([sys.executable, "-c", parent], tmp_path, tmp_path / "log", "waiting", time_limit_s=0.5)
    time.sleep(1.5)
    assert not (tmp_path / "late").exists()


@pytest.mark.parametrize("nested", [False, True])
def test_an_exception_ends_the_programs_of_all_workers_at_once(tmp_path: Path, nested: bool) -> None:
    begun = [tmp_path / "begun0", tmp_path / "begun1"]

    def sleep(number: int) -> None:
        program = f"import pathlib, time; pathlib.Path('begun{number}').touch(); time.sleep(60)"
        run_logged([sys.executable, "-c", program], tmp_path, tmp_path / f"log{number}", "sleeping")

    def within(number: int) -> None:
        with Workers(1) as inner:
            inner.submit(sleep, number).result()

    futures = []

    def interrupted() -> None:
        with Workers(2) as workers:
            futures.extend(workers.submit(within if nested else sleep, number) for number in (0, 1))
            while not all(path.exists() for path in begun):
                time.sleep(0.02)
            raise ZeroDivisionError

    started = time.monotonic()
    with pytest.raises(ZeroDivisionError):
        interrupted()
    assert time.monotonic() - started < 30
    for future in futures:
        with pytest.raises(ProgramFailed, match=r"sleeping failed \(signal 9\)"):
            future.result()


def test_a_thread_that_comes_later_is_not_taken_for_one_that_was_ended(tmp_path: Path) -> None:
    """Identities of threads are given again."""

    def write() -> None:
        run_logged([sys.executable, "-c", "open('done', 'a').write('x')"], tmp_path, tmp_path / "log", "writing")

    def interrupted() -> None:
        with Workers(1) as workers:
            workers.submit(int).result()
            raise ZeroDivisionError

    for _ in range(5):
        with pytest.raises(ZeroDivisionError):
            interrupted()
        later = threading.Thread(target=write)
        later.start()
        later.join()
    assert (tmp_path / "done").read_text() == "x" * 5


def test_a_failure_says_how_it_ended_and_where_the_log_is(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with pytest.raises(ProgramFailed, match=r"counting failed \(exit status 4\): see .*log") as failure:
        run_logged([sys.executable, "-c", "print('three'); exit(4)"], tmp_path, log, "counting")
    assert failure.value.status == 4
    with pytest.raises(ProgramFailed, match=r"signal 6"):
        run_logged([sys.executable, "-c", "import os; os.abort()"], tmp_path, log, "counting")
    assert log.read_text().startswith("three\n")


def test_this_package_is_found_by_modules_run_elsewhere(tmp_path: Path) -> None:
    run_logged([sys.executable, "-c", "import qcompress.graph"], tmp_path, tmp_path / "log", "importing")


def test_a_simulator_that_ends_itself_is_one_line(tmp_path: Path) -> None:
    given = Format(True, 4, 2)
    graph = Graph("g", (2,), given, (Node("relu", Relu(), "input"),))
    program = tmp_path / "simulate"
    body = Simulator("rtl", graph, program)
    with pytest.raises(QcompressError, match=r"simulate cannot be run .*; build it again"):
        body.run(np.zeros((1, 2), np.int64))
    program.write_text("#!/bin/sh\necho first >&2\necho out of bits >&2\nexit 3\n")
    program.chmod(0o755)
    with pytest.raises(QcompressError, match=r"simulate failed \(exit status 3\): out of bits$"):
        body.run(np.zeros((1, 2), np.int64))
    program.write_text("#!/bin/sh\nkill -ABRT $$\n")
    with pytest.raises(QcompressError, match=r"simulate failed \(signal 6\): no message$"):
        body.run(np.zeros((1, 2), np.int64))
    program.write_text('#!/bin/sh\ncp "$1" "$2"\n')
    assert body.run(np.array([[3, -4]])).tolist() == [[3, -4]]


def test_a_missing_program_names_its_package() -> None:
    with pytest.raises(ToolMissing, match="no-such-program is not installed: apt install its-package"):
        require("no-such-program", "its-package")
