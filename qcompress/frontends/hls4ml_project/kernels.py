"""Which version of hls4ml wrote the kernels of a project: by what their headers say, comments and pragmas aside."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from qcompress.errors import Refused
from qcompress.frontends.hls4ml_project.files import FIRMWARE, Project

FOLDER = f"{FIRMWARE}/nnet_utils/"
LAST = (1, 3)
"""The newest version that is known."""

HEADERS = {
    "activation": ("nnet_activation.h", "nnet_activation_stream.h"),
    "dense": ("nnet_dense.h", "nnet_dense_latency.h", "nnet_dense_resource.h", "nnet_dense_stream.h"),
    "conv": (
        *(f"nnet_conv{axes}d{kind}.h" for axes in (1, 2) for kind in ("", "_latency", "_resource", "_stream")),
        *("nnet_conv_stream.h", "nnet_dense.h", "nnet_dense_latency.h", "nnet_dense_resource.h"),
    ),
    "depthwise": (
        *(f"nnet_sepconv{axes}d{kind}.h" for axes in (1, 2) for kind in ("", "_latency", "_stream")),
        *("nnet_sepconv_stream.h", "nnet_conv_stream.h", "nnet_depthwise_product.h"),
    ),
    "normalize": ("nnet_batchnorm.h", "nnet_batchnorm_stream.h"),
    "pooling": ("nnet_pooling.h", "nnet_pooling_stream.h"),
    "merge": ("nnet_merge.h", "nnet_merge_stream.h"),
    "padding": ("nnet_padding.h", "nnet_padding_stream.h"),
    "cropping": ("nnet_cropping.h", "nnet_cropping_stream.h"),
    "image": ("nnet_image.h", "nnet_image_stream.h", "nnet_resize.h", "nnet_resize_stream.h"),
    "transpose": ("nnet_transpose.h", "nnet_transpose_stream.h", "nnet_array.h"),
    "stream": ("nnet_stream.h",),
}
"""What the kernels of each kind are made of."""
ALWAYS = ("nnet_common.h", "nnet_mult.h", "nnet_types.h")


@dataclass(frozen=True)
class Kernels:
    """Versions of hls4ml that wrote all the headers that are known, and the names of the others.

    An empty `versions` where the folder came without any header.
    """

    versions: frozenset[tuple[int, int]]
    unknown: frozenset[str]

    @property
    def version(self) -> tuple[int, int]:
        """The first version with these headers; the last one where there are none."""
        return min(self.versions, default=LAST)

    def check(self, layer: str, kind: str) -> None:
        """Raises Refused naming layer if a header that kernels of a kind are made of is none of hls4ml's."""
        if foreign := sorted(self.unknown & {*HEADERS[kind], *ALWAYS}):
            raise Refused(
                f"layer {layer}: {FOLDER}{foreign[0]} is none of hls4ml 0.6 to 1.3, so that its sums are not known"
            )


def digest(text: str) -> str:
    """What stays the same where comments, pragmas and blanks differ."""
    text = re.sub(r"/\*.*?\*/|//[^\n]*", " ", text, flags=re.DOTALL)
    text = re.sub(r"^\s*#\s*pragma(?:[^\n]*\\\n)*[^\n]*", "", text, flags=re.MULTILINE)
    return hashlib.sha256(re.sub(r"\s+", "", text).encode()).hexdigest()[:16]


@cache
def _known() -> Mapping[str, Mapping[str, str]]:
    text = files("qcompress.frontends.hls4ml_project").joinpath("kernels.json").read_text()
    found: Mapping[str, Mapping[str, str]] = json.loads(text)
    return found


def kernels_of(project: Project, backend: str) -> Kernels:
    """Whose kernels a project has; backend: Vivado (and Vitis), Catapult, Quartus. Raises Refused for a mixture."""
    headers = {path[len(FOLDER) :]: text for path, text in project.files.items() if path.startswith(FOLDER)}
    versions: frozenset[tuple[int, int]] | None = None
    unknown = set()
    used = {*ALWAYS, *(name for kind in HEADERS.values() for name in kind)}
    for name in sorted(headers.keys() & used):
        told = _known().get(f"{backend}/{name}", {}).get(digest(headers[name]))
        if told is None:
            unknown.add(name)
            continue
        own = frozenset((int(v.split(".")[0]), int(v.split(".")[1])) for v in told.split())
        versions = own if versions is None else versions & own
        if not versions:
            raise Refused(f"{project.where}: {FOLDER} is of several versions of hls4ml; write the project again")
    return Kernels(versions or frozenset(), frozenset(unknown))
