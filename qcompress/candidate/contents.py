"""What a candidate's folder holds: its detector, targets, models, graphs and the integer stages around them."""

import itertools
from collections.abc import Mapping
from pathlib import Path

from qcompress.candidate.record import Record
from qcompress.detectors import Detector, load_detector
from qcompress.errors import QcompressError
from qcompress.frontends import models_in
from qcompress.graph import Chain, Graph, Stage
from qcompress.targets import TARGETS, Hardware, Target, families, recalled


class Contents(Record):
    """What is in a candidate's folder, by network."""

    @property
    def detector(self) -> Detector:
        """The detector the candidate was made for; raises QcompressError for a compiled model, which has none."""
        if self.manifest["detector"] is None:
            raise QcompressError(
                f"{self.folder}: a compiled model has no detector; this needs one made by qcompress run"
            )
        return load_detector(self.manifest["detector"])

    @property
    def hardware(self) -> Hardware:
        """What it is aimed at, and its budgets; raises QcompressError for what this version does not know."""
        try:
            return Hardware.model_validate(self.manifest["hardware"] or {})
        except ValueError as fault:
            first = str(fault).splitlines()[0]
            raise QcompressError(f"{self.folder}: its hardware makes no sense ({first})") from None

    def targets(self) -> dict[str, Target]:
        """What was built, by name; a manifest that does not say it is asked by its folders."""
        told = self.manifest["targets"]
        if told is not None:
            return {name: recalled(entry).target for name, entry in told.items() if (self.folder / name).is_dir()}
        names = [name for family in families().values() for name in family.all_names()]
        return {name: TARGETS[name] for name in names if (self.folder / name).is_dir()}

    def model(self, name: str) -> Path:
        """The file of the model of network `name`, or of a companion, in whatever format a front end reads."""
        models = models_in(self.folder / "model", name)
        if not models:
            raise QcompressError(f"{self.folder}: holds no model of {name}; finish it with qcompress run")
        return models[0]

    def graphs(self) -> dict[str, Graph]:
        """The candidate's graphs by network name, in the order in which they were compiled."""
        folders = {path.parent.name: path.parent for path in sorted((self.folder / "graph").glob("*/graph.json"))}
        if not folders:
            raise QcompressError(f"{self.folder}: holds no graph yet; finish it with qcompress run")
        compiled = [name for name in self.steps.get("compile", {}).get("figures", {}) if name in folders]
        return {name: Graph.load(folders[name]) for name in dict.fromkeys([*compiled, *folders])}

    def front(self, name: str, graphs: Mapping[str, Graph]) -> Stage:
        """What stands in front of network `name`; graphs: all of the candidate's, in order."""
        before = dict(itertools.takewhile(lambda entry: entry[0] != name, graphs.items()))
        return self.detector.preprocess(self.manifest["front_end"], name, before)

    def chain(self, name: str, graphs: Mapping[str, Graph] | None = None) -> Chain:
        """All integer stages around network `name`, from the detector's codes to its words.

        The network's own codes leave it, and those of every stage behind. A compiled model: its graph alone.
        graphs: the candidate's own unless given.
        """
        graphs = self.graphs() if graphs is None else graphs
        graph = graphs[name]
        if self.manifest["detector"] is None:
            return Chain(f"{self.manifest['name']}_{name}", (graph,), (graph.name,))
        behind = self.detector.postprocess(self.manifest["front_end"], name, graph)
        outputs = (graph.name, *(stage.name for stage in behind))
        return Chain(f"{self.manifest['name']}_{name}", (self.front(name, graphs), graph, *behind), outputs)
