"""Outside programs are run with a log, and ended with all that they have started."""

import sys
import time
from pathlib import Path

import pytest

from qcompress.errors import QcompressError, ToolMissing
from qcompress.targets.processes import ProgramFailed, require, run_logged


def test_a_program_out_of_time_is_ended_with_its_children(tmp_path: Path) -> None:
    """The child writes a file half a second after its parent must be gone."""
    child = "import time, pathlib; time.sleep(1); pathlib.Path('late').touch()"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    with pytest.raises(QcompressError, match=r"waiting took longer than 0\.5 s: see .*log"):
        run_logged([sys.executable, "-c", parent], tmp_path, tmp_path / "log", "waiting", time_limit_s=0.5)
    time.sleep(1.5)
    assert not (tmp_path / "late").exists()


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


def test_a_missing_program_names_its_package() -> None:
    with pytest.raises(ToolMissing, match="no-such-program is not installed: apt install its-package"):
        require("no-such-program", "its-package")
