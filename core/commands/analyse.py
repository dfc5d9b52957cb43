"""``python -m core analyse NAME TARGET``: every analysis as a command, its options built from its declaration.

An analysis that is added to ``core.analyses`` is here without another line.
"""

from __future__ import annotations

import inspect
from collections.abc import Collection
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

import typer
from typer.core import TyperGroup

from core.analyses.base import Analysis
from core.commands.console import AsJson, Checkpoints, Detach, print_result, submit
from core.runs.store import DEFAULT_CHECKPOINTS, open_run


class Analyses(TyperGroup):
    """Finds its commands in the registry when it is asked for them: no command pays for what it does not use."""

    def list_commands(self, ctx: Any) -> list[str]:
        from core.analyses.registry import analyses

        return list(analyses())

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        from core.analyses.registry import analyses

        known = analyses().get(cmd_name.replace("-", "_"))
        if known is None:
            return None
        app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
        app.command(known.name, help=known.summary)(command_of(known))
        return typer.main.get_command(app)


analyse_app = typer.Typer(
    cls=Analyses, no_args_is_help=True, help="Ask something of a finished run or a dataset; the work is a job."
)


@analyse_app.callback()
def _group() -> None:
    """Ask something of a finished run or a dataset; the work is a job."""


def command_of(known: Analysis, arguments: Collection[str] = ()) -> Any:
    """A function with the analysis's target and options as its parameters, for typer.

    arguments: the options that stand without their name, after the target.
    """

    def command(**given: Any) -> None:
        checkpoints, as_json, detach = (given.pop(name) for name in ("checkpoints", "as_json", "detach"))
        target = _target(known, given.pop("target", None), checkpoints)
        result = submit(target, known.name, {k: _written(known, k, v) for k, v in given.items()}, detach, as_json)
        if result is not None:
            warnings = (f"Warning: {text}" for text in result.get("warnings", ()))
            print_result(result, as_json, "\n".join([str(result.get("message", "Done.")), *warnings]))

    parameters = []
    if known.target != "checkpoints":
        kind: Any = Annotated[str, typer.Argument(metavar="RUN", help="Name of a run folder.")]
        if known.target == "dataset":
            kind = Annotated[Path, typer.Argument(metavar="DATASET", help="A dataset file (.h5).")]
        parameters.append(inspect.Parameter("target", inspect.Parameter.KEYWORD_ONLY, annotation=kind))
    fields = sorted(known.Options.model_fields.items(), key=lambda item: item[0] not in arguments)
    parameters += [_option(name, field, name in arguments) for name, field in fields]
    shared = {"detach": (Detach, False), "checkpoints": (Checkpoints, DEFAULT_CHECKPOINTS), "as_json": (AsJson, False)}
    parameters += [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kind)
        for name, (kind, default) in shared.items()
    ]
    vars(command)["__signature__"] = inspect.Signature(parameters)
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    command.__doc__ = known.summary
    return command


def _target(known: Analysis, given: Any, checkpoints: Path) -> Any:
    from core.runs.targets import CheckpointsTarget, DatasetTarget

    if known.target == "run":
        return open_run(checkpoints, given)
    return DatasetTarget(given, checkpoints) if known.target == "dataset" else CheckpointsTarget(checkpoints)


def _option(name: str, field: Any, without_name: bool = False) -> inspect.Parameter:
    """A field as a command-line option or argument; lists are written with commas, whatever is richer as JSON."""
    required = field.is_required()
    default = None if required else field.get_default(call_default_factory=True)
    annotation, flags = field.annotation, [f"--{name.replace('_', '-')}"]
    names = {bool: bool, int: int, float: float, str: str}
    kinds = [kind for kind in (annotation, *get_args(annotation)) if kind in names]
    if isinstance(default, bool) or set(kinds) == {bool}:
        kind: Any = bool  # one that may be left open too: yes, no, or as it is by itself
        flags = [f"{flags[0]}/--no-{name.replace('_', '-')}"]
    elif get_origin(annotation) is Literal or len(set(kinds)) != 1 or get_origin(annotation) in (tuple, list):
        kind, default = str, _text(default)
    else:
        kind = kinds[0]
    optional: Any = kind if default is not None or required else kind | None
    told = typer.Argument(help=field.description) if without_name else typer.Option(*flags, help=field.description)
    shown: Any = Annotated[optional, told]
    default = inspect.Parameter.empty if required else default
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=shown)


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return ",".join(map(str, value)) if isinstance(value, tuple | list) else str(value)


def _written(known: Analysis, name: str, value: Any) -> Any:
    """Text as the option's own type: commas separate the items of a list."""
    annotation = known.Options.model_fields[name].annotation
    several = get_origin(annotation) in (tuple, list) or any(
        get_origin(one) in (tuple, list) for one in get_args(annotation)
    )
    if several and isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return value
