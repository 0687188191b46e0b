"""Projects that hls4ml wrote to exact graphs: texts are read, no code is run; the front end `hls4ml_project`."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from qcompress.errors import QcompressError, Refused
from qcompress.frontends.conversion import Conversion, Formats, ReferenceBody
from qcompress.frontends.hls4ml_project.files import SUFFIX, Project, is_project, load_project, save_project
from qcompress.graph import Graph

__all__ = ["FRONT_END", "Hls4mlProject", "Project"]


class Hls4mlProject:
    """The front end of hls4ml's projects."""

    name = "hls4ml_project"
    takes = f"hls4ml projects (a folder with firmware/, {SUFFIX})"

    def recognises(self, source: Any) -> bool:
        """Whether source is a project, its folder, or one file that holds it."""
        return is_project(source) if isinstance(source, Path) else isinstance(source, Project)

    def load(self, path: Path, weights: Path | None) -> Project:
        """The project at path; raises QcompressError in one line. There is no second file of weights."""
        if weights is not None:
            raise QcompressError(f"{path}: an hls4ml project holds its own weights; leave {weights} out")
        return load_project(path)

    def save(self, model: Any, path: Path) -> Path:
        """Write the sources of a project into one file, path with .hls4ml behind; gives the file."""
        target = path.with_name(f"{path.name}{SUFFIX}")
        save_project(model, target)
        return target

    def convert(self, model: Any, name: str, formats: Formats) -> Conversion:
        """The exact graph of a project, named `name`, and notes; it says its own formats. Raises Refused."""
        from qcompress.frontends.hls4ml_project.network import convert

        found = convert(model, name)
        if formats is not None:
            raise Refused(f"{model.where}: its inputs have formats of their own; leave --input-format out")
        return found

    def body(self, model: Any, graph: Graph) -> ReferenceBody:
        """The project's own C simulation, built with g++ from a copy."""
        from qcompress.frontends.hls4ml_project.body import CSimulation

        return CSimulation(model, graph)

    def function(self, model: Any) -> Callable[[Any], Any]:
        """The graph on real values, for the project has no other arithmetic."""
        graph = self.convert(model, "project", None).graph
        return graph.predict


FRONT_END = Hls4mlProject()
