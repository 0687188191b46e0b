"""Outside programs: looked for, run with a log, and simulators of a graph fed with codes.

A simulator is a program called with two file names. It reads rows of codes as 64-bit little-endian integers from the
first, all inputs of a row one behind the other, and writes the output codes to the second in the same way.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

import qcompress
from qcompress.errors import QcompressError, ToolMissing
from qcompress.fixedpoint import Codes
from qcompress.graph import Graph
from qcompress.graph.ports import Tensors, by_port, outside, pack, unpack

CODE = np.dtype("<i8")


def require(program: str, package: str) -> str:
    """Where `program` is; raises ToolMissing saying which Debian package holds it."""
    found = shutil.which(program)
    if found is None:
        raise ToolMissing(f"{program} is not installed: apt install {package}")
    return found


def python_module(library: str, module: str, *arguments: str) -> list[str]:
    """The command that runs a module of this package with arguments in a fresh interpreter.

    library: the distribution that the module is about; PackageNotFoundError here where it is not installed, for that
    interpreter could only leave the fault in a log.
    """
    version(library)
    return [sys.executable, "-m", module, *arguments]


def run_logged(
    command: Sequence[str],
    folder: Path,
    log: Path,
    doing: str,
    *,
    environment: Mapping[str, str] | None = None,
    time_limit_s: float | None = None,
) -> None:
    """Run `command` in `folder`, its output appended to `log`; doing: what that is, for messages.

    environment: variables set besides ours; time_limit_s: seconds after which it is ended. Raises ProgramFailed,
    naming the log, if it fails, OutOfTime if it takes longer.
    """
    workers: Workers | None = getattr(_THREAD, "workers", None)
    package_root = str(Path(qcompress.__file__).parents[1])
    path = os.pathsep.join(part for part in (package_root, os.environ.get("PYTHONPATH", "")) if part)
    with log.open("ab") as sink:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=os.environ | {"PYTHONPATH": path} | dict(environment or {}),
            stdout=sink,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            if workers is not None:
                workers.began(process)
            status = process.wait(time_limit_s)
        except subprocess.TimeoutExpired:
            raise OutOfTime(f"{doing} took longer than {time_limit_s:g} s: see {log}") from None
        finally:  # whatever ends the wait also ends what the program has started
            if workers is not None:
                workers.over(process)
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
    if status:
        raise ProgramFailed(f"{doing} failed ({_ending(status)}): see {log}", status)


class Workers(ThreadPoolExecutor):
    """Threads that run programs: an exception in its `with` block ends them and their programs at once.

    So do those of Workers that one of them makes. count: of threads.
    """

    def __init__(self, count: int) -> None:
        super().__init__(count, initializer=lambda: setattr(_THREAD, "workers", self))
        self._programs: set[subprocess.Popen[bytes]] = set()
        self._guard = threading.Lock()
        self._ended = False
        self._outer: Workers | None = getattr(_THREAD, "workers", None)

    def began(self, process: subprocess.Popen[bytes]) -> None:
        """Note a program of one of the threads; it is ended where all are."""
        with self._guard:
            self._programs.add(process)
            if self._ended:
                _end_program(process)
        if self._outer is not None:
            self._outer.began(process)

    def over(self, process: subprocess.Popen[bytes]) -> None:
        """Forget a program."""
        with self._guard:
            self._programs.discard(process)
        if self._outer is not None:
            self._outer.over(process)

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, where: TracebackType | None
    ) -> None:
        if kind is not None:
            with self._guard:
                self._ended = True
                for process in self._programs:
                    _end_program(process)
            self.shutdown(wait=False, cancel_futures=True)
        self.shutdown(wait=True)


_THREAD = threading.local()
"""Of a thread of Workers: `workers`, whose it is."""


def _end_program(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)


class OutOfTime(QcompressError):  # noqa: N818 - as its siblings
    """A program was ended, for it took longer than it may."""


class ProgramFailed(QcompressError):  # noqa: N818 - as its siblings
    """A program ended with an exit status that is not zero."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


def _ending(returncode: int) -> str:
    return f"signal {-returncode}" if returncode < 0 else f"exit status {returncode}"


@dataclass(frozen=True)
class Simulator:
    """A body whose arithmetic is a compiled program in a process of its own: it may crash, we may not.

    graph: what the program was built from; it gives shapes and formats only.
    """

    name: str
    graph: Graph
    program: Path

    def run(self, codes: Tensors) -> Tensors:
        """Codes (rows, *input_shape) -> codes (rows, *output_shape); QcompressError for codes that do not fit.

        Several inputs are a mapping of arrays by name, and so is the result where there are several outputs.
        """
        given, ports = self.packed(codes), self.graph.output_ports
        with tempfile.TemporaryDirectory(prefix="qcompress-") as scratch:
            source, result = Path(scratch, "input.codes"), Path(scratch, "output.codes")
            given.astype(CODE).tofile(source)
            self._call(source, result)
            found = np.fromfile(result, CODE).astype(np.int64)
            return unpack(ports, found.reshape(len(given), sum(port.size for port in ports)))

    def packed(self, codes: Tensors) -> Codes:
        """The codes of all inputs -> rows (rows, total) as the program takes them; raises QcompressError as `run`."""
        ports = self.graph.input_ports
        arrays = by_port(ports, codes, self.name)
        outside(ports, arrays, self.name)
        return pack(ports, arrays, self.name)

    def predict(self, values: Any) -> Any:
        """Values (rows, *input_shape) -> output values, float64 on the grid of the output format; by name as `run`."""
        return self.graph.output_values(self.run(self.graph.input_codes(values)))

    def _call(self, source: Path, result: Path) -> None:
        command = [str(self.program.resolve()), str(source), str(result)]
        try:
            done = subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, check=False)
        except OSError as fault:
            raise QcompressError(f"{self.program} cannot be run ({fault.strerror}); build it again") from None
        if done.returncode:
            last = (done.stderr.decode(errors="replace").strip().splitlines() or ["no message"])[-1]
            raise QcompressError(f"{self.program} failed ({_ending(done.returncode)}): {last}")
