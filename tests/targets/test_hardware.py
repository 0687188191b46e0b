"""A device and a clock reach whatever target has a setting of them; what the target was told wins."""

from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from qcompress.targets import Hardware, choose
from qcompress.targets.hardware import filled


class Both(BaseModel):
    device: str | None = None
    clock_mhz: float | None = None
    levels: int = 5


class Neither(BaseModel):
    levels: int = 5


AIMS = Hardware(device="ECP5-45K", clock_mhz=120, lut=1000)


@pytest.mark.parametrize(
    ("model", "told", "settings"),
    [
        (Both, {}, {"device": "ecp5-45k", "clock_mhz": 120.0}),
        (Both, {"device": None, "levels": 2}, {"device": "ecp5-45k", "clock_mhz": 120.0, "levels": 2}),
        (Both, {"device": "lifcl-40"}, {"device": "lifcl-40", "clock_mhz": 120.0}),
        (Neither, {"levels": 2}, {"levels": 2}),
    ],
)
def test_what_a_model_has_a_field_of_is_filled_in(
    model: type[BaseModel], told: dict[str, Any], settings: dict[str, Any]
) -> None:
    assert filled(model, told, AIMS) == (settings, ())


def test_aims_and_budgets_are_told_apart() -> None:
    assert (AIMS.aims(), AIMS.budgets()) == ({"device": "ecp5-45k", "clock_mhz": 120.0}, {"lut": 1000})
    assert AIMS.aimed_at is not None
    assert AIMS.aimed_at.luts == 43848
    assert (Hardware().told(), Hardware().aimed_at) == ({}, None)
    assert Hardware.model_validate(AIMS.told()) == AIMS


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"device": "ecp5-46k"}, "did you mean ecp5-45k"),
        ({"clock_mhz": 0}, "greater than or equal to 0.001"),
        ({"clock_mhz": 1e-320}, "greater than or equal to 0.001"),
        ({"clock_mhz": 1e300}, "less than or equal to 1000000"),
        ({"latency_ns": float("inf")}, "finite"),
        ({"dsp": 2.5}, "valid integer"),
        ({"area": 3}, "Extra inputs are not permitted"),
    ],
)
def test_what_makes_no_sense_is_said(told: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Hardware.model_validate(told)


def test_a_target_without_such_settings_is_as_it_was() -> None:
    assert choose("cpp", None, AIMS).target == choose("cpp").target
    assert choose("cpp", None, AIMS).notes == ()
