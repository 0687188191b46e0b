"""Threads that run compiled kernels."""

from concurrent.futures import ThreadPoolExecutor
from threading import Lock

_loading = Lock()


def kernel_pool(threads: int | None) -> ThreadPoolExecutor:
    """A pool of `threads` threads (None: what the executor thinks best) that may compile kernels of numba at once.

    numba loads the extensions of other packages when it compiles for the first time, outside of its lock, and what they
    register changes tables that another thread is reading meanwhile: they are loaded here, before there are threads.
    """
    from numba.core.registry import cpu_target

    with _loading:
        cpu_target.typing_context.refresh()
        cpu_target.target_context.refresh()
    return ThreadPoolExecutor(threads)
