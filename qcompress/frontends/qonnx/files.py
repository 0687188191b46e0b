"""ONNX files of quantized networks: read by onnx alone, checked before anything is made of them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qcompress.errors import QcompressError
from qcompress.frontends.qonnx.operators import first_line

SUFFIX = ".onnx"


@dataclass(frozen=True)
class QonnxModel:
    """An onnx.ModelProto as the front end passes it around, and what it is called."""

    proto: Any
    name: str = "model"


def load_model(path: Path) -> QonnxModel:
    """The ONNX model at path, with its data if they lie beside it.

    Raises QcompressError in one line for a file that is none, is cut, or names files outside its folder.
    """
    import onnx

    try:
        proto = onnx.load(str(path), load_external_data=False)
        onnx.load_external_data_for_model(proto, str(path.parent))
    except Exception as fault:  # of protobuf, of onnx, of the file system
        raise QcompressError(f"{path}: not a readable ONNX model ({first_line(fault)}); export it again") from None
    if not proto.graph.node or not proto.graph.output:
        raise QcompressError(f"{path}: an ONNX model without nodes or outputs; export it again")
    return QonnxModel(proto, path.stem)


def save_model(model: QonnxModel, path: Path) -> None:
    """Write a model to path, its data inside."""
    import onnx

    onnx.save(model.proto, str(path))
