"""One report for every synthesis tool; a figure that a tool did not give is unknown, never zero."""

import enum
from dataclasses import asdict, dataclass, fields
from typing import Any

from qcompress.errors import QcompressError


class Origin(enum.StrEnum):
    """Where figures come from."""

    MEASURED = "measured"
    OPEN_FLOW = "open flow"
    VENDOR_REPORT = "vendor report"
    PUBLISHED = "published"
    ESTIMATED = "estimated"


@dataclass(frozen=True)
class SynthesisReport:
    """Resources and timing of one design. area: in the tool's unit; gate_equivalents: NAND2 = 1; None: unknown."""

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

    def to_json(self) -> dict[str, Any]:
        """Plain values; unknown figures are None."""
        return asdict(self) | {"origin": str(self.origin)}

    @classmethod
    def from_json(cls, given: dict[str, Any]) -> "SynthesisReport":
        """Read what `to_json` gave; raises QcompressError naming keys that are unknown or missing."""
        known = {field.name for field in fields(cls)}
        if wrong := set(given) ^ known:
            raise QcompressError(f"synthesis report: keys {', '.join(sorted(wrong))} are missing or unknown")
        return cls(**(given | {"origin": Origin(given["origin"])}))
