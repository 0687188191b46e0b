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
    "activation": ("nnet_activation.h", "nnet_activation_stream.h", "nnet_common.h"),
    "dense": (
        *("nnet_dense.h", "nnet_dense_latency.h", "nnet_dense_resource.h", "nnet_dense_stream.h"),
        *("nnet_mult.h",),
    ),
    "conv": (
        *(f"nnet_conv{axes}d{kind}.h" for axes in (1, 2) for kind in ("", "_latency", "_resource", "_stream")),
        *("nnet_conv_stream.h", "nnet_dense.h", "nnet_dense_latency.h", "nnet_dense_resource.h", "nnet_mult.h"),
    ),
    "depthwise": (
        *(f"nnet_sepconv{axes}d{kind}.h" for axes in (1, 2) for kind in ("", "_latency", "_stream")),
        *("nnet_sepconv_stream.h", "nnet_conv_stream.h", "nnet_depthwise_product.h", "nnet_mult.h"),
    ),
    "normalize": ("nnet_batchnorm.h", "nnet_batchnorm_stream.h", "nnet_mult.h"),
    "pooling": ("nnet_pooling.h", "nnet_pooling_stream.h", "nnet_common.h"),
    "merge": ("nnet_merge.h", "nnet_merge_stream.h", "nnet_mult.h"),
    "padding": ("nnet_padding.h", "nnet_padding_stream.h"),
    "cropping": ("nnet_cropping.h", "nnet_cropping_stream.h"),
    "image": ("nnet_image.h", "nnet_image_stream.h", "nnet_resize.h", "nnet_resize_stream.h"),
    "transpose": ("nnet_transpose.h", "nnet_transpose_stream.h", "nnet_array.h"),
    "stream": ("nnet_stream.h",),
}
"""What the kernels of each kind are made of."""


Version = tuple[int, int]


@dataclass(frozen=True)
class Kernels:
    """Versions of hls4ml that wrote each header of a project, as far as it is known, and the names of the others."""

    known: Mapping[str, frozenset[Version]]
    unknown: frozenset[str]

    def version(self, layer: str, kind: str) -> Version:
        """The first version with the kernels of a kind, the last one where the folder came without them.

        Raises Refused naming layer if a header that they are made of is none of hls4ml's, or of another version.
        """
        if foreign := sorted(self.unknown & {*HEADERS[kind]}):
            raise Refused(
                f"layer {layer}: {FOLDER}{foreign[0]} is none of hls4ml 0.6 to 1.3, so that its sums are not known"
            )
        own = [self.known[name] for name in HEADERS[kind] if name in self.known]
        if not own:
            return LAST
        if not (common := frozenset.intersection(*own)):
            raise Refused(f"layer {layer}: {FOLDER} has kernels for it of several versions of hls4ml")
        return min(common)


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
    """Whose kernels a project has; backend: Vivado (and Vitis), Catapult, Quartus."""
    headers = {path[len(FOLDER) :]: text for path, text in project.files.items() if path.startswith(FOLDER)}
    known: dict[str, frozenset[Version]] = {}
    unknown = set()
    used = {name for kind in HEADERS.values() for name in kind}
    for name in sorted(headers.keys() & used):
        told = _known().get(f"{backend}/{name}", {}).get(digest(headers[name]))
        if told is None:
            unknown.add(name)
        else:
            known[name] = frozenset((int(v.split(".")[0]), int(v.split(".")[1])) for v in told.split())
    return Kernels(known, frozenset(unknown))
