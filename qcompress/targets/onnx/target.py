"""ONNX as a target: NAME.onnx in a folder, for onnxruntime and every program that embeds it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from qcompress.errors import QcompressError
from qcompress.graph import Graph, Linear
from qcompress.targets.onnx.body import OnnxBody
from qcompress.targets.onnx.model import Manner, export, model
from qcompress.targets.record import read_record, write_record

RECORD = "onnx.json"
FILE = "model.onnx"


class Settings(BaseModel):
    """What a config may say of an ONNX model."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    interface: Literal["values", "codes"] = "values"
    """What enters and leaves the model: real values, or the integers in the registers."""
    arithmetic: Literal["integer", "float"] = "integer"
    """What carries codes inside: integers, or floating point wherever it is exact, which is faster."""


@dataclass(frozen=True)
class Onnx:
    """Settings of an exported model, words as in `Settings`; a Target."""

    interface: str = "values"
    arithmetic: str = "integer"

    @property
    def name(self) -> str:
        """The family's, and what differs from its defaults."""
        differing = (self.arithmetic, self.interface)
        return "-".join(["onnx", *(word for word in differing if word not in {"integer", "values"})])

    @property
    def manner(self) -> Manner:
        return Manner(self.interface, self.arithmetic)

    @property
    def flows(self) -> tuple[str, ...]:
        """No synthesis flow takes a model."""
        return ()

    @property
    def simulated(self) -> bool:
        """It runs wherever onnxruntime does."""
        return True

    def cost(self, graph: Graph) -> tuple[float, float]:
        """Seconds and megabytes that a build of graph will take: nothing is compiled."""
        weights = sum(node.operation.matrix.size for node in graph.nodes if isinstance(node.operation, Linear))
        return 0.5 + 1e-7 * weights, 200 + 3e-5 * weights

    def refuse(self, graph: Graph) -> None:
        """Raises Refused, naming the node, where a number does not fit 64 bits or ONNX has no such operation."""
        model(graph, self.manner, {})

    def build(self, graph: Graph, folder: Path) -> OnnxBody:
        """Write the model to folder, which is made. Raises Refused."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / RECORD).unlink(missing_ok=True)
        export(graph, folder / FILE, manner=self.manner)
        write_record(folder / RECORD, graph, {"interface": self.interface, "arithmetic": self.arithmetic})
        return OnnxBody(folder / FILE, told=self.name)

    def open(self, graph: Graph, folder: Path) -> OnnxBody:
        """The model of graph that `build` left in folder; raises QcompressError if it is not there."""
        record = read_record(folder / RECORD, graph)
        if (record.get("interface"), record.get("arithmetic")) != (self.interface, self.arithmetic):
            raise QcompressError(f"{folder}: a model of other settings than {self.name}; build it again")
        return OnnxBody(folder / FILE, told=self.name)


NAMES: Mapping[str, Mapping[str, str]] = {
    "onnx-codes": {"interface": "codes"},
    "onnx-float": {"arithmetic": "float"},
    "onnx-float-codes": {"arithmetic": "float", "interface": "codes"},
}
"""Names of targets, and the settings that they stand for."""


def target(settings: Settings) -> Onnx:
    """The target of settings."""
    return Onnx(settings.interface, settings.arithmetic)
