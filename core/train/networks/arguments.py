"""Which further arguments a backbone knows, told from timm's functions without building anything; and a network's size.

What may be passed on at all is in ``core.config.model_arguments``.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from types import FunctionType
from typing import Any

import timm
from torch import nn
from torch.nn.modules.module import (
    register_module_module_registration_hook,
    register_module_parameter_registration_hook,
)

from core.config import ModelConfig
from core.config.model_arguments import ALLOWED, OURS
from core.errors import ConfigError
from core.train.networks.baseline_cnn import BASELINE
from core.train.networks.unet import UNET

MAX_PARAMETERS = 2**31  # of any network; timm's largest have 1.9 milliards
MAX_MODULES = 50_000


@cache
def accepted_arguments(backbone: str) -> frozenset[str]:
    """Names of ``model.arguments`` that this backbone takes; empty for a name that timm does not know.

    A name is there if a function or class that builds this family has such a parameter; whether a value suits it, only
    building says.
    """
    if backbone == BASELINE:
        return OURS - {"decoder"}
    if backbone.startswith(UNET):
        inner = accepted_arguments(backbone.removeprefix(UNET))
        return inner | {"decoder"} if inner else inner
    try:
        entry = timm.model_entrypoint(backbone.partition(".")[0])
    except (KeyError, RuntimeError):
        return frozenset()
    names = {name for part in _builders(entry) for name in inspect.signature(part).parameters}
    return frozenset(names & (ALLOWED - OURS))


def fitting_arguments(model: ModelConfig) -> tuple[ModelConfig, list[str]]:
    """The model without the arguments that its backbones do not take, and a sentence for each backbone that lost some.

    A preset's widths are those of its own backbone; with another one chosen they have no meaning. A backbone that timm
    does not know keeps its arguments: it is refused when it is built.
    """
    sides = {"arguments": model.backbone}
    if model.sar_arguments is not None:
        sides["sar_arguments"] = model.sar_backbone or model.backbone
    changed, told = {}, []
    for setting, backbone in sides.items():
        given, accepted = getattr(model, setting), accepted_arguments(backbone)
        lost = [name for name in given if accepted and name not in accepted]
        if lost:
            changed[setting] = {name: value for name, value in given.items() if name in accepted}
            told.append(
                f"{backbone} takes no {' and no '.join(lost)}: this part of model.{setting} was left out, and the "
                "backbone has its own size."
            )
    return (model.model_copy(update=changed) if changed else model), told


def _builders(entry: FunctionType) -> list:
    """The functions of its module that ``entry`` names, directly or through others, and the networks that they name."""
    module, found = sys.modules[entry.__module__], []
    waiting: list[Any] = [entry]
    while waiting:
        one = waiting.pop()
        if one in found:
            continue
        found.append(one)
        for name in _names(one) if inspect.isfunction(one) else ():
            other = vars(module).get(name)
            if inspect.isfunction(other) and _passes_on(other):
                waiting.append(other)
            elif inspect.isclass(other) and issubclass(other, nn.Module):
                if "in_chans" in inspect.signature(other).parameters:
                    waiting.append(other)
    return found


def _passes_on(function: FunctionType) -> bool:
    """Whether it takes arguments by any name, which it hands to the next one."""
    return any(one.kind is one.VAR_KEYWORD for one in inspect.signature(function).parameters.values())


def _names(function: FunctionType) -> tuple[str, ...]:
    return inspect.unwrap(function).__code__.co_names


@contextmanager
def size_limited(most: int = MAX_PARAMETERS) -> Iterator[None]:
    """Networks built in this block have at most ``most`` parameters; a larger one is refused before it takes memory.

    Raises ConfigError.
    """
    sizes = {"parameters": 0, "modules": 0}

    def count_parameters(module: nn.Module, name: str, parameter: nn.Parameter | None) -> None:
        sizes["parameters"] += parameter.numel() if isinstance(parameter, nn.Parameter) else 0
        if sizes["parameters"] > most:  # its memory is reserved now, and is only taken when it is filled
            raise ConfigError(
                f"This network would have more than {most:,} parameters. Give smaller widths or depths "
                "(model.arguments), or choose a smaller backbone."
            )

    def count_modules(module: nn.Module, name: str, part: nn.Module | None) -> None:
        sizes["modules"] += 1
        if sizes["modules"] > MAX_MODULES:
            raise ConfigError(f"This network would have more than {MAX_MODULES:,} parts. Give smaller depths.")

    hooks = (
        register_module_parameter_registration_hook(count_parameters),
        register_module_module_registration_hook(count_modules),
    )
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
