"""Which of a network's reports gives a figure: the truest that is of the device."""

from collections.abc import Mapping

from qcompress.devices import Device, find_device
from qcompress.errors import QcompressError
from qcompress.report.origins import ESTIMATED, ROUTED, TRUTHS, truth
from qcompress.synthesis import Origin, SynthesisReport
from qcompress.synthesis.aim import XILINX, flow_of
from qcompress.synthesis.kept import READ

OF_DEVICES = ("lut", "ff", "dsp")
"""Of these, what differs from device to device."""
ULTRASCALE_PLUS = "xcup"
"""Family that figures are of where no device is asked for."""

Figure = int | float | None
Reports = Mapping[str, SynthesisReport]
"""By flow."""


def best(reports: Reports, figure: str, device: Device | None) -> tuple[Figure, str]:
    """A figure of one network and its origin: of the truest report that gives it."""
    usable = [
        (truth(flow, report), getattr(report, figure, None))
        for flow, report in reports.items()
        if _suits(flow, report, figure, device)
    ]
    known = sorted((found for found in usable if found[1] is not None), key=lambda found: TRUTHS.index(found[0]))
    return (known[0][1], known[0][0]) if known else (None, ESTIMATED)


def _suits(flow: str, report: SynthesisReport, figure: str, device: Device | None) -> bool:
    """Whether a report's figure is a device's; without one AMD's UltraScale+ is meant, which the estimate is of too.

    Those of a place and route hold a harness.
    """
    if figure not in OF_DEVICES:
        return True
    if report.origin is Origin.ESTIMATED:
        return device is None or device.vendor == "AMD" or figure == "ff"
    return _is_of(flow, report, device)


def _is_of(flow: str, report: SynthesisReport, device: Device | None) -> bool:
    """Whether a report is of a device, and not of another one that its flow takes too; what was read, of its part."""
    if flow == READ:
        return device is None or _part(report.device) == device
    if device is None:
        return flow == XILINX and report.device in (None, ULTRASCALE_PLUS)
    return flow == flow_of(device) and report.device in (None, device.family if flow == XILINX else device.name)


def _part(name: str | None) -> Device | None:
    """The device that a vendor's report names; None for one that is not known."""
    try:
        return find_device(name or "")
    except QcompressError:
        return None


def clocked(reports: Reports, device: Device | None) -> SynthesisReport | None:
    """The report of a place and route of one network: of the device, or of any if none is asked for."""
    routed = [
        report
        for flow, report in reports.items()
        if truth(flow, report) == ROUTED and (device is None or _is_of(flow, report, device))
    ]
    return routed[0] if routed else None
