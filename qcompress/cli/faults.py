"""How the command ends: one line for a fault of the user's, a status for scripts, no process left behind."""

import contextlib
import os
import signal
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from typer.exceptions import TyperException

from qcompress.errors import CheckError, MismatchError, QcompressError, QcompressWarning, extra_missing

STANDARD_ERROR = os.dup(2)
"""Ours: a step in another thread may have TensorFlow's greetings sent to nowhere just when the last line is due."""


def answer(app: Callable[..., Any]) -> None:
    """Run the commands of `app` and leave: a fault of the user's is one line and exit 2, differing bits are exit 1."""
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, _interrupt)
    warnings.showwarning = _say_warning
    try:
        status = app(prog_name="qcompress", standalone_mode=False)
    except TyperException as fault:
        _end_usage(fault)
    except MismatchError as fault:
        _end(f"bits differ: {fault}", 1)
    except CheckError as fault:
        _end(f"check failed: {fault}", 1)
    except QcompressError as fault:
        _end(f"error: {fault}", 2)
    except ModuleNotFoundError as fault:
        if (missing := extra_missing(fault)) is None:
            raise
        _end(f"error: {missing}", 2)
    except OSError as fault:
        _end(f"error: {fault.filename or 'system'}: {fault.strerror or fault}", 2)
    except Interrupted:
        _end("interrupted; run the same command again to continue", 130)
    else:
        sys.exit(status)


def _end_usage(fault: TyperException) -> NoReturn:
    """Say what is wrong with the arguments, and of which command; nothing where its help was shown instead."""
    context: Any = getattr(fault, "ctx", None)
    command, message = context.command_path if context else "qcompress", fault.format_message().rstrip(".")
    if not message:
        sys.exit(2)
    _end(f"error: {command}: {message}; see {command} --help", 2)


def _say_warning(message: Warning | str, category: type[Warning], *where: Any, **more: Any) -> None:
    """Ours are one line of words; those of libraries are not the user's to act upon."""
    if issubclass(category, QcompressWarning):
        print(f"note: {message}", file=sys.stderr)


class Interrupted(BaseException):
    """Ctrl-C or an order to end; not a KeyboardInterrupt, which typer would end with a status of its own."""


def _interrupt(number: int, frame: object) -> None:
    raise Interrupted


def _end(line: str, code: int) -> NoReturn:
    """Say it in one line and leave at once: steps in other threads must not hold the process."""
    sys.stdout.flush()
    sys.stderr.flush()
    os.write(STANDARD_ERROR, f"{' '.join(line.split())}\n".encode())
    for children in Path("/proc/self/task").glob("*/children"):
        for child in map(int, children.read_text().split()):
            with contextlib.suppress(ProcessLookupError):
                (os.killpg if os.getpgid(child) == child else os.kill)(child, signal.SIGTERM)
    os._exit(code)
