"""Reports that a candidate keeps of its Verilog: what open flows found, and what a vendor's reports said."""

from collections.abc import Mapping
from pathlib import Path

from qcompress.files import write_json
from qcompress.synthesis.flows import OPEN, Design, key_of
from qcompress.synthesis.report import SynthesisReport
from qcompress.targets import Target

READ = "read"
"""In place of a flow's name: reports that were read."""


def keep(folder: Path, design: Design, report: SynthesisReport) -> None:
    """Keep what a vendor's reports say of a `design` among the results of flows in `folder`; earlier ones go."""
    place = folder / READ / design.target / design.network
    place.mkdir(parents=True, exist_ok=True)
    (place / "key").unlink(missing_ok=True)
    (place / "report.json").write_text(report.to_json() + "\n")
    write_json(place / "key", {"design": design.content_hash()})


def results(folder: Path, target: Target, networks: Mapping[str, Path]) -> dict[str, dict[str, SynthesisReport]]:
    """What is kept in `folder` of a target's Verilog as it is now: network -> flow, or READ -> report.

    networks: network -> folder of its build. Results of a design that has been built anew since are left out.
    """
    found: dict[str, dict[str, SynthesisReport]] = {}
    for flow in (READ, *OPEN):
        for network, built in networks.items():
            place = folder / flow / target.name / network
            key = key_of(place)
            if key is not None and key["design"] == Design.open(target, network, built).content_hash():
                report = SynthesisReport.from_json((place / "report.json").read_text())
                found.setdefault(network, {})[flow] = report
    return found
