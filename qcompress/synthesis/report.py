"""What a design costs and how fast it is, whoever says so."""

import enum
import json
from dataclasses import asdict, dataclass, fields
from typing import Any

from qcompress.errors import QcompressError


class Origin(enum.StrEnum):
    """Where a figure comes from."""

    MEASURED = "measured"
    OPEN_FLOW = "open flow"
    VENDOR_REPORT = "vendor report"
    PUBLISHED = "published"
    ESTIMATED = "estimated"


@dataclass(frozen=True)
class Part:
    """Figures of a module, a layer or a kernel of a design, those of the parts below it included; None is unknown."""

    name: str
    lut: int | None = None
    ff: int | None = None
    dsp: int | None = None
    bram: int | None = None
    gate_equivalents: float | None = None
    energy_nj: float | None = None


@dataclass(frozen=True)
class SynthesisReport:
    """Figures of one design from one tool; None is unknown, never zero.

    lut: for Intel devices ALUTs; area in the liberty file's unit (um2); gate_equivalents in two-input NAND gates;
    delay_ns: longest path that the tool found; latency_cycles: clock edges from an input to its result, the worst
    where a tool gives several; interval: cycles between inputs, likewise; clock_ns: the period that was asked for;
    bram in blocks of 18 kbit, rams in the tool's own blocks; slack_ns, hold_slack_ns: the worst ones, negative where
    timing is not met; timing_met: of all checks of timing; routed: whether a vendor's reports are of a routed design;
    static_mw, dynamic_mw: power, the latter at clock_ns; energy_nj: of one inference, leakage included; design: the
    top module that a report names; parts: figures of layers or modules; notes: what one must know to read the
    figures; missing: reports that are not there or that failed.
    """

    tool: str
    origin: Origin
    lut: int | None = None
    ff: int | None = None
    dsp: int | None = None
    bram: int | None = None
    area: float | None = None
    gate_equivalents: float | None = None
    latency_cycles: int | None = None
    latency_ns: float | None = None
    interval: int | None = None
    fmax_mhz: float | None = None
    uram: int | None = None
    rams: int | None = None
    alm: float | None = None
    delay_ns: float | None = None
    clock_ns: float | None = None
    device: str | None = None
    slack_ns: float | None = None
    hold_slack_ns: float | None = None
    timing_met: bool | None = None
    routed: bool | None = None
    static_mw: float | None = None
    dynamic_mw: float | None = None
    energy_nj: float | None = None
    design: str | None = None
    parts: tuple[Part, ...] = ()
    notes: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()

    def to_json(self) -> str:
        """One JSON object; unknown figures are null."""
        return json.dumps(asdict(self), indent=1)

    @classmethod
    def from_json(cls, text: str) -> "SynthesisReport":
        """Read text that `to_json` wrote; raises QcompressError for anything else."""
        try:
            content: dict[str, Any] = json.loads(text)
            sets = {name: tuple(content.get(name, ())) for name in ("notes", "missing")}
            parts = tuple(Part(**part) for part in content.get("parts", ()))
            return cls(**content | sets | {"origin": Origin(content["origin"]), "parts": parts})
        except (ValueError, TypeError, KeyError, AttributeError) as fault:
            known = ", ".join(field.name for field in fields(cls))
            raise QcompressError(f"no synthesis report ({fault}): its keys are {known}") from None
