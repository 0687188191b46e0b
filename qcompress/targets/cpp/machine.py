"""What this machine's processor can do, and which libraries run on it."""

import hashlib
import platform
from pathlib import Path

LEVELS = {
    "x86-64-v4": {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"},
    "x86-64-v3": {"avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "abm", "movbe", "xsave"},
    "x86-64-v2": {"cx16", "lahf_lm", "popcnt", "pni", "sse4_1", "sse4_2", "ssse3"},
    "x86-64": {"sse2"},
}
"""Levels of the x86-64 psABI, the best first -> flags, as Linux names them, that one has beyond those below it."""
MADE = ("x86-64-v4", "x86-64-v3", "x86-64")
"""Levels that a portable build has libraries for: x86-64-v2 is hardly faster than x86-64."""


def is_x86() -> bool:
    """Whether this machine runs x86-64."""
    return platform.machine().lower() in ("x86_64", "amd64")


def flags() -> frozenset[str]:
    """What this processor has, as Linux lists it; empty where it does not."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    found = next((line for line in lines if line.startswith(("flags", "Features"))), platform.processor())
    return frozenset(found.split())


def levels() -> tuple[str, ...]:
    """Levels that this machine runs, the best first; none where it is no x86-64."""
    if not is_x86():
        return ()
    has = flags()
    names = list(LEVELS)
    fitting = [
        name
        for place, name in enumerate(names)
        if all(LEVELS[below] <= has for below in names[place:]) or name == "x86-64"
    ]
    return tuple(fitting)


def processor() -> str:
    """A short hash of what instructions this processor has: code for another one may not run."""
    return hashlib.sha256(f"{platform.machine()} {sorted(flags())}".encode()).hexdigest()[:16]
