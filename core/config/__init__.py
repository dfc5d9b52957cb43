"""Every setting of a run: one frozen model per stage, joined in :class:`RunConfig`; named presets; JSON in and out.

A configuration comes from a preset with ``section.key=value`` overrides, or from the ``config.json`` of a run; its hash
names the specification. The settings themselves are in ``core.config.sections`` and ``core.config.training``, the
presets in ``core.config.presets``.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Any, Literal

from pydantic import Field, ValidationError, model_validator

from core.config.presets import PRESETS
from core.config.sections import (
    DataConfig,
    EmbedConfig,
    ExplainConfig,
    FoldsConfig,
    HeadsConfig,
    NormaliseConfig,
    Section,
    SmoteConfig,
    explain_validation,
    svm_name,
)
from core.config.training import RENAMED, AugmentConfig, ModelConfig, TrainConfig
from core.errors import ConfigError

__all__ = [
    "PRESETS",
    "AugmentConfig",
    "DataConfig",
    "EmbedConfig",
    "ExplainConfig",
    "FoldsConfig",
    "HeadsConfig",
    "ModelConfig",
    "NormaliseConfig",
    "RunConfig",
    "SmoteConfig",
    "TrainConfig",
    "preset",
    "svm_name",
]


class RunConfig(Section):
    """One complete specification of a run; ``seed`` and everything below decide every number on a CPU."""

    preset: str = Field("custom", description="Name of the preset this started from.")
    seed: int = Field(
        0, ge=0, description="Seed of SMOTE, initial weights, batches and, unless folds.seed is set, folds."
    )
    device: Literal["auto", "cpu", "cuda", "mps"] = Field("auto", description="Where to compute; auto: GPU if any.")
    precision: Literal["auto", "float32", "bfloat16"] = Field("auto", description="auto: bfloat16 on a GPU.")
    data: DataConfig = DataConfig()
    folds: FoldsConfig = FoldsConfig()
    normalise: NormaliseConfig = NormaliseConfig()
    smote: SmoteConfig = SmoteConfig()
    augment: AugmentConfig = AugmentConfig()
    model: ModelConfig = ModelConfig()
    train: TrainConfig = TrainConfig()
    heads: HeadsConfig = HeadsConfig()
    embed: EmbedConfig = EmbedConfig()
    explain: ExplainConfig = ExplainConfig()

    @model_validator(mode="after")
    def _indices_find_their_units(self) -> RunConfig:
        if self.normalise.method == "minmax" and self.model.indices not in ((), "stack12"):
            raise ValueError(
                "normalise.method=minmax scales every patch by itself, so that model.indices cannot find the bands' "
                "units again. Choose another normalisation, or model.indices=[]"
            )
        if self.normalise.method == "minmax" and self.augment.needs_units:
            raise ValueError(
                "normalise.method=minmax scales every patch by itself, so that colours and dB cannot be changed in the "
                "bands' units. Choose another normalisation, or switch off the augmentation of bands"
            )
        return self

    @property
    def fold_seed(self) -> int:
        """What the folds are drawn with."""
        return self.seed if self.folds.seed is None else self.folds.seed

    def to_json(self) -> str:
        """Complete JSON, defaults included, keys in the order of this file."""
        return json.dumps(self.model_dump(mode="json"), indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str) -> RunConfig:
        """The inverse of :meth:`to_json`. Raises ConfigError naming each wrong key."""
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            raise ConfigError(explain_validation(error)) from error

    def hash(self) -> str:
        """Hex digest of the specification; equal settings have equal hashes."""
        canonical = json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()

    def with_overrides(self, overrides: Iterable[str]) -> RunConfig:
        """A copy with ``section.key=value`` settings applied; values are JSON, or plain text.

        Raises ConfigError when a key does not exist (naming those that do) or a value is not accepted.
        """
        tree = self.model_dump(mode="json")
        for item in overrides:
            path, separator, text = item.partition("=")
            if not separator:
                raise ConfigError(f"'{item}' is not a setting. Write section.key=value, for example train.epochs=5.")
            path, value = path.strip(), _parse(text.strip())
            if path == "model.size_column" and value is not None:  # its old name, under which it was of landslides
                _assign(tree, "model.second_of", "landslides")
            _assign(tree, OLD_PATHS.get(path, path), value)
        try:
            return RunConfig.model_validate(tree)
        except ValidationError as error:
            raise ConfigError(explain_validation(error)) from error


OLD_PATHS = {f"model.{once}": f"model.{now}" for once, now in RENAMED.items()}


def _parse(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return {"none": None, "true": True, "false": False}.get(text.lower(), text)


def _assign(tree: dict[str, Any], path: str, value: Any) -> None:
    node: Any = tree
    *parents, leaf = path.split(".")
    for key in parents:
        node = node.get(key) if isinstance(node, dict) else None
    wrong_depth = isinstance(node, dict) and isinstance(node.get(leaf), dict) and not isinstance(value, dict)
    if not isinstance(node, dict) or leaf not in node or wrong_depth:
        known = sorted(node) if isinstance(node, dict) else sorted(tree)
        raise ConfigError(f"There is no setting '{path}'. Known here: {', '.join(known)}.")
    node[leaf] = value


def preset(name: str) -> RunConfig:
    """The named preset. Raises ConfigError naming the known ones."""
    if name not in PRESETS:
        raise ConfigError(f"There is no preset '{name}'. Known: {', '.join(sorted(PRESETS))}.")
    return RunConfig(preset=name).with_overrides(PRESETS[name])
