"""Tests of qcompress.threads."""

import subprocess
import sys

PROGRAM = """
from qcompress.threads import kernel_pool
import numba
from numba.core.typing.typeof import typeof_impl

with kernel_pool(2) as pool:
    before = set(typeof_impl.registry)
    list(pool.map(numba.njit(lambda x: x.sum()), [__import__("numpy").ones(3)] * 4))
print(len(set(typeof_impl.registry) - before))
"""


def test_the_first_kernel_of_a_thread_finds_the_types_of_all_extensions_registered() -> None:
    got = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert got.stdout == "0\n"
