"""The command `qcompress`, again and again, without the seconds that importing TensorFlow takes each time.

    python -m helpers.command_server

One interpreter imports what the commands may need, then forks for every call it reads from its standard input. A call
is a process of its own as from a shell, with its own arguments, folder, environment, standard streams and exit status;
only its imports are there already. What depends on them (`tests/cli/test_from_outside.py`) starts an interpreter.
"""

import atexit
import contextlib
import gc
import importlib.metadata
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NoReturn

from helpers.paths import ROOT
from helpers.warning_filters import apply_filters

FEW_COLLECTIONS = (50_000, 20, 100)
"""Of garbage: by default they take a tenth of the time in which TensorFlow traces and numba compiles."""


class CommandServer:
    """A server with plug-ins of `plug` installed; its calls run one after another."""

    def __init__(self, plug: Path) -> None:
        self._plug = str(plug)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "helpers.command_server"],
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": os.pathsep.join([self._plug, str(ROOT / "tests")])},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(
        self,
        arguments: list[str],
        cwd: Path,
        environment: Mapping[str, str],
        begun: Callable[[int], None] = lambda process: None,
    ) -> subprocess.CompletedProcess[str]:
        """One call and what it has written; its environment is that of the server and `environment`.

        begun: called with the number of the call's process, which may have ended.
        """
        assert self._process.stdin
        assert self._process.stdout
        with tempfile.TemporaryDirectory(prefix="qcompress-call-") as scratch:
            streams = [str(Path(scratch, name)) for name in ("stdout", "stderr")]
            changed = {"PYTHONPATH": self._plug} | dict(environment)
            call = {"arguments": arguments, "cwd": str(cwd), "environment": changed, "streams": streams}
            print(json.dumps(call), file=self._process.stdin, flush=True)
            begun(int(self._process.stdout.readline()))
            status = int(self._process.stdout.readline())
            said = [Path(stream).read_text() for stream in streams]
        return subprocess.CompletedProcess(arguments, status, *said)

    def close(self) -> None:
        """End the server."""
        with self._process as process:  # closes its streams too
            assert process.stdin
            process.stdin.close()
            process.wait(60)


def import_everything() -> None:
    """What a command may import, but for what starts threads when it is."""
    from qcompress.frontends.qkeras import import_keras

    import_keras()
    for name in (
        *("qcompress.cli", "qcompress.pipeline", "qcompress.report.terminal", "qcompress.report.comparison"),
        *("qcompress.training.exact_layers", "qkeras", "rich.markdown", "shellingham"),
        *("matplotlib.pyplot", "mplhep", "pandas", "scipy.stats", "numba", "ot", "h5py"),
    ):
        importlib.import_module(name)
    for group in ("detectors", "commands", "frontends", "targets"):
        for entry in importlib.metadata.entry_points(group=f"qcompress.{group}"):
            with contextlib.suppress(ImportError, AttributeError):
                entry.load()
    load_extensions()


def load_extensions() -> None:
    """What numba loads before it compiles or reads its first kernel: a second for each call otherwise."""
    from qcompress.threads import kernel_pool

    kernel_pool(1).shutdown()


def next_call() -> dict[str, Any]:
    """The call this process is to make: returns in a fork of the server, once for every call; never in the server."""
    for line in sys.stdin:
        child = os.fork()
        if not child:
            return dict(json.loads(line))
        print(child, flush=True)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        print(status, flush=True)
    sys.exit()


def begin(call: dict[str, Any]) -> None:
    """Make this process look as a fresh one."""
    from qcompress.cli import faults

    for number, path in ((0, os.devnull), *zip((1, 2), call["streams"], strict=True)):
        opened = os.open(path, os.O_RDONLY if number == 0 else os.O_WRONLY | os.O_CREAT)
        os.dup2(opened, number)
        os.close(opened)
    faults.STANDARD_ERROR = os.dup(2)
    apply_filters()
    os.environ.update(call["environment"])
    os.chdir(call["cwd"])
    sys.argv = ["qcompress", *call["arguments"]]


def end(status: object) -> NoReturn:
    """End as an interpreter does, but for taking apart what has been imported, which takes longer than most calls."""
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status if isinstance(status, int) else 0 if status is None else 1)


if __name__ == "__main__":
    import_everything()
    gc.freeze()
    gc.set_threshold(*FEW_COLLECTIONS)
    begin(next_call())
    from qcompress.cli import main

    try:
        main()
    except SystemExit as ending:
        end(ending.code)
