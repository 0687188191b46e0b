"""Options that installed detectors add to the commands: `Detector.command_options` as options of the command line."""

import inspect
import warnings
from collections.abc import Mapping
from typing import Annotated, Any, get_args, get_origin

import typer
from pydantic import ValidationError
from pydantic.fields import FieldInfo
from typer.core import TyperCommand

from qcompress.detectors import Detector, detector_names, load_detector
from qcompress.errors import QcompressError, QcompressWarning

GIVEN = "qcompress.detectors.command_options"
"""Under this key a context holds the values that were given."""

Replace = Annotated[bool, typer.Option("--replace", help="Write a file anew that is there.")]


class DetectorOptions(TyperCommand):
    """A command with options of its own and those of installed detectors, which are looked up when they are needed."""

    _all: list[Any]
    _of_detectors: set[str] | None

    @property
    def params(self) -> list[Any]:
        """All options and arguments; click itself adds to the list."""
        if self._of_detectors is None:
            added = _parameters(offered(str(self.name)))
            self._of_detectors = {parameter.name for parameter in added}
            self._all += added
        return self._all

    @params.setter
    def params(self, own: list[Any]) -> None:
        self._all, self._of_detectors = own, None

    def invoke(self, ctx: Any) -> Any:
        """Run the command's function; ctx keeps the detectors' options, where `given_options` finds them."""
        values = {name: ctx.params.pop(name) for name in self._of_detectors or () if name in ctx.params}
        ctx.meta[GIVEN] = {name: value for name, value in values.items() if value is not None}
        return super().invoke(ctx)


def offered(command: str) -> dict[str, dict[str, FieldInfo]]:
    """Option name -> detector name -> pydantic field, of all installed detectors that add to the command."""
    found: dict[str, dict[str, FieldInfo]] = {}
    for name in detector_names():
        try:
            options = load_detector(name).command_options.get(command)
        except QcompressError as fault:
            warnings.warn(str(fault), QcompressWarning, stacklevel=2)
            continue
        for key, field in options.model_fields.items() if options is not None else ():
            found.setdefault(key, {})[name] = field
    return found


def given_options(context: typer.Context, detector: Detector) -> Mapping[str, Any]:
    """What was given of a detector's own options, checked, by name; context: of the command that runs.

    Raises QcompressError for an option of another `detector`, and for a value that the detector does not take.
    """
    command, given = str(context.info_name), context.meta.get(GIVEN, {})
    options = detector.command_options.get(command)
    known = options.model_fields if options is not None else {}
    for name in given:
        if name not in known:
            owners = ", ".join(offered(command)[name])
            raise QcompressError(f"{command}: {flag(name)} is an option of {owners}, not of {detector.name}")
    if options is None:
        return {}
    try:
        return options.model_validate(given).model_dump(exclude_unset=True)
    except ValidationError as fault:
        error = fault.errors()[0]
        told = f"{flag(str(error['loc'][0]))} {error['input']}: " if error["loc"] else ""
        raise QcompressError(f"{command}: {told}{error['msg'].removeprefix('Value error, ')}") from None


def flag(name: str) -> str:
    """The option of the field called `name`, as it is typed: --some-name for some_name."""
    return "--" + name.replace("_", "-")


def _parameters(fields: Mapping[str, Mapping[str, FieldInfo]]) -> list[Any]:
    """Typer's parameters of optional values; they come as text and are checked by the detector's own model."""

    def taking(**given: Any) -> None: ...

    annotations = {
        name: Annotated[str | None, typer.Option(flag(name), help=_help(owners), metavar=_metavar(owners))]
        for name, owners in fields.items()
    }
    kind = inspect.Parameter.KEYWORD_ONLY
    taking.__annotations__ = annotations
    taking.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [inspect.Parameter(name, kind, default=None, annotation=given) for name, given in annotations.items()]
    )
    app = typer.Typer(add_completion=False)
    app.command(add_help_option=False)(taking)
    return list(typer.main.get_command(app).params)


def _help(owners: Mapping[str, FieldInfo]) -> str:
    return "; ".join(f"{name}: {field.description or 'see its page'}" for name, field in owners.items())


def _metavar(owners: Mapping[str, FieldInfo]) -> str:
    """The choices, or the type, of the first detector's field."""
    annotation = next(iter(owners.values())).annotation
    kinds = [kind for kind in get_args(annotation) or (annotation,) if kind is not type(None)]
    literals = [str(value) for kind in kinds for value in (get_args(kind) if get_origin(kind) else ())]
    return "|".join(literals) or getattr(kinds[0], "__name__", "value").upper()
