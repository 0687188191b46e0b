"""Where the reference data lies, the rule that CI may not skip it, and one candidate for all tests to look at."""

import fcntl
import gc
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers.budgets import room_of, said
from helpers.command_server import FEW_COLLECTIONS, CommandServer
from helpers.order import place
from helpers.paths import COMPILER, PLUG, ROOT, Command

from qcompress.frontends.distributions import find_qkeras

gc.set_threshold(*FEW_COLLECTIONS)
find_qkeras()  # for tests that import it

reference_cases: list[str] = []
seconds: Counter[str] = Counter()
SMALLER = {
    "events: 4000": "events: 120",
    "machine: portable": "machine: native",
    "xla: true": "xla: false",
    "rtl: verilog": "rtl: null",
    "rows: 2000": "rows: 100",
    "rows: 4000": "rows: 200",
}
"""What makes the candidate of the tests smaller than the README's: `make demo QUICK=1` makes that one."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """What `tests/targets/test_gold.py` takes."""
    parser.addoption("--renew-gold", action="store_true", help="write the gold texts anew")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Processes that share the tests begin with the longest files."""
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: place(item.path, ROOT / "tests"))


def pytest_collection_finish(session: pytest.Session) -> None:
    """What has been imported stays: no collection of garbage need look at it, which takes half a second each time."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def data_file() -> Callable[[str], Path]:
    """Path of a reference file; the test is skipped where it is missing, unless QCOMPRESS_REQUIRE_DATA is set."""

    def find(relative: str) -> Path:
        folder = Path(os.environ.get("QCOMPRESS_DATA", ROOT.parent / "shared" / "data"))
        path = folder / relative
        if not path.exists():
            message = f"reference data {relative} is not in {folder}"
            if os.environ.get("QCOMPRESS_REQUIRE_DATA"):
                pytest.fail(message)
            pytest.skip(message)
        reference_cases.append(relative)
        return path

    return find


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Add up what the tests of a room take, fixtures included."""
    seconds[room_of(report.nodeid)] += report.duration


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Tell the process that prints the summary what this one has used of the reference data."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["reference_cases"] = reference_cases


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take it in."""
    reference_cases.extend(getattr(node, "workeroutput", {}).get("reference_cases", []))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how much of the reference data was used, and how long each room took."""
    terminalreporter.write_line(
        f"reference data: {len(reference_cases)} cases run on {len(set(reference_cases))} public files"
    )
    processes = getattr(terminalreporter.config.option, "numprocesses", None) or 1
    for line in said(seconds, processes):
        terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of this run of the tests, the same for all its processes."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@pytest.fixture(scope="session", autouse=True)
def _cache(shared_folder: Path) -> None:
    """What qcompress keeps between builds is kept for this run of the tests, and nothing from before it."""
    cache = shared_folder / "cache"
    cache.mkdir(exist_ok=True)
    os.environ["QCOMPRESS_CACHE"] = str(cache)
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # all of many interpreters would compile the sources
    os.environ["PATH"] = f"{COMPILER}{os.pathsep}{os.environ['PATH']}"


@pytest.fixture(scope="session")
def command_server() -> Iterator[CommandServer]:
    """One interpreter that has imported everything, for all calls of this process."""
    server = CommandServer(PLUG)
    yield server
    server.close()


@pytest.fixture(scope="session")
def qcompress(request: pytest.FixtureRequest) -> Command:
    """Run the command `qcompress` in a process of its own, the plug-ins of the tests installed."""

    def run(*arguments: object, cwd: Path = ROOT, **environment: str) -> subprocess.CompletedProcess[str]:
        server: CommandServer = request.getfixturevalue("command_server")
        return server.run([str(argument) for argument in arguments], cwd, environment)

    return run


@pytest.fixture(scope="session")
def fresh_qcompress() -> Command:
    """Run the command `qcompress` in a fresh interpreter, the plug-ins of the tests installed."""

    def run(*arguments: object, cwd: Path = ROOT, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "qcompress.cli", *map(str, arguments)],
            cwd=cwd,
            env=os.environ | {"PYTHONPATH": str(PLUG)} | environment,
            capture_output=True,
            text=True,
            timeout=900,
            check=False,
        )

    return run


@pytest.fixture(scope="session")
def econt_candidate(qcompress: Command, shared_folder: Path) -> Path:
    """The README's candidate on fewer events, one epoch, without Verilog and synthesis. Made once for a run."""
    shared = shared_folder / "econt_candidate"
    shared.mkdir(exist_ok=True)
    config, folder = shared / "econt_48bit.yaml", shared / "econt_48bit"
    with (shared / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (shared / "done").exists():
            text = (ROOT / "firmware_configs" / config.name).read_text()
            for line, smaller in SMALLER.items():
                assert line in text
                text = text.replace(line, smaller)
            config.write_text(text)
            done = qcompress("run", config, "--quick", "--out", folder)
            assert done.returncode == 0, done.stderr
            (shared / "done").touch()
    return folder
