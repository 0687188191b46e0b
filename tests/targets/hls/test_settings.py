"""A device and a clock reach an hls4ml project as its part and period, unless it is told its own."""

import pytest

from qcompress.errors import QcompressError
from qcompress.targets import Choice, Hardware, choose
from qcompress.targets.hls.project import Hls

AMD, INTEL = "xczu7ev-ffvc1156-2-e", "10AX115S2F45I2SG"


def chosen(told: dict[str, object], **hardware: object) -> tuple[Choice, Hls]:
    choice = choose("hls", told, Hardware.model_validate(hardware))
    assert isinstance(choice.target, Hls)
    return choice, choice.target


def test_what_is_not_told_is_filled_in() -> None:
    choice, target = chosen({}, device=AMD, clock_mhz=320)
    assert (target.part, target.clock_period_ns, choice.notes) == (AMD, 3.125, ())
    again = choose("hls", choice.to_json()["settings"])
    assert again.target == target


def test_what_is_told_wins() -> None:
    _, target = chosen({"part": "xcku115-flvb2104-2-i", "clock_period_ns": 4}, device=AMD, clock_mhz=320)
    assert (target.part, target.clock_period_ns) == ("xcku115-flvb2104-2-i", 4.0)
    _, target = chosen({"clock_mhz": 100}, clock_mhz=320)
    assert target.clock_period_ns == 10.0
    assert chosen({})[1] == Hls()


def test_settings_of_an_older_manifest_are_read() -> None:
    told = {"backend": "Vivado", "io_type": "io_stream", "strategy": "Resource", "reuse_factor": 2, "part": ""}
    assert choose("hls", {**told, "clock_period_ns": 5.0}).target == Hls("Vivado", "io_stream", "Resource", 2)


@pytest.mark.parametrize(
    ("backend", "device", "instead"),
    [
        ("Quartus", AMD, "; use backend Vitis or Vivado or Catapult"),
        ("Vitis", INTEL, "; use backend Quartus or oneAPI"),
        ("Vivado", "ecp5-85k", ""),
    ],
)
def test_a_part_of_another_vendor_is_not_used_and_said(backend: str, device: str, instead: str) -> None:
    choice, target = chosen({"backend": backend}, device=device, clock_mhz=200)
    (note,) = choice.notes
    assert note.endswith(f"device {device} is not used{instead}")
    assert (target.part, target.clock_period_ns) == ("", 5.0)


def test_a_part_that_is_none_or_of_another_vendor_is_refused() -> None:
    with pytest.raises(QcompressError, match="'xcvu13' is none that is known: did you mean xcvu13p-"):
        chosen({"part": "xcvu13"})
    with pytest.raises(QcompressError, match=f"part {INTEL} is Intel's, Vitis takes parts of AMD"):
        chosen({"part": INTEL})
    assert choose("hls", {"part": "xcvu13"}).target.name == "hls"  # of a manifest: read as it was written
