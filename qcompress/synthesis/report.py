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
class SynthesisReport:
    """Figures of one design from one tool; None is unknown, never zero.

    area in um2; gate_equivalents in two-input NAND gates; latency_cycles: clock edges from an input to its result;
    interval: cycles between inputs; bram in blocks of 18 kbit.
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

    def to_json(self) -> str:
        """One JSON object; unknown figures are null."""
        return json.dumps(asdict(self), indent=1)

    @classmethod
    def from_json(cls, text: str) -> "SynthesisReport":
        """Read what `to_json` wrote; raises QcompressError for anything else."""
        try:
            content: dict[str, Any] = json.loads(text)
            return cls(**content | {"origin": Origin(content["origin"])})
        except (ValueError, TypeError, KeyError) as fault:
            known = ", ".join(field.name for field in fields(cls))
            raise QcompressError(f"no synthesis report ({fault}): its keys are {known}") from None
