"""What a search varies: settings with their ranges or values, written as text, checked before anything waits.

``train.lr=log:0.0001..0.01`` is a range on a logarithmic scale, ``train.epochs=2..8`` one of whole numbers (both ends
are whole, and the setting takes nothing else), ``smote.enabled=true,false`` a choice.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from core.config import RunConfig, svm_name
from core.errors import ConfigError
from core.experiments.kinds.grid import values_of

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

Kind = Literal["float", "int", "choice"]
DIGITS = 4  # of a number that is drawn from a range: more would only be noise in a configuration
TRIED = 64  # combinations that are checked before the search begins
SVM_C = "heads.svm_C"
SAME_PATCHES = "which patches are judged must be the same in every trial"
REFUSED = {  # beginning of a setting -> why it is not varied
    "preset": "it is only a name",
    "seed": "the luckiest seed is no better setting",
    "device": "it changes no score",
    "folds.": SAME_PATCHES,
    "data.exclude": SAME_PATCHES,
    "data.labels": SAME_PATCHES,
    "data.max_cloud": SAME_PATCHES,
    "data.cloud_column": SAME_PATCHES,
    "explain.": "it changes no score",
    "embed.": "it changes no score",
}
INFLATING = {("train.select", "fold_best"), ("smote.protocol", "before_folds")}  # what lets the judged part in
HOW = (
    "Write section.key=low..high (model.drop_rate=0..0.5), section.key=log:low..high (train.lr=log:0.0001..0.01), or "
    "section.key=a,b,c (smote.enabled=true,false)."
)


@dataclass(frozen=True)
class Parameter:
    """One setting that is varied. low, high, log: of a range. choices: JSON texts of a choice's values."""

    name: str
    kind: Kind
    low: float = 0.0
    high: float = 0.0
    log: bool = False
    choices: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """As it is written."""
        if self.kind == "choice":
            return f"{self.name}={','.join(self.choices)}"
        return f"{self.name}={'log:' if self.log else ''}{_number(self.low)}..{_number(self.high)}"

    @property
    def distribution(self) -> BaseDistribution:
        """Optuna's."""
        from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

        if self.kind == "choice":
            return CategoricalDistribution(self.choices)
        if self.kind == "int":
            return IntDistribution(int(self.low), int(self.high), log=self.log)
        return FloatDistribution(self.low, self.high, log=self.log)

    def setting(self, value: Any) -> str:
        """The value of a trial as JSON text; of a range rounded to as many digits as a setting needs."""
        if self.kind == "choice":
            return str(value)
        if self.kind == "int":
            return str(int(value))
        return _number(min(max(float(f"{value:.{DIGITS}g}"), self.low), self.high))

    def value(self, setting: Any) -> Any | None:
        """The inverse for a setting's JSON value, or None where it lies outside of what is searched."""
        if self.kind == "choice":
            return next((choice for choice in self.choices if _json(choice) == setting), None)
        if not isinstance(setting, int | float) or isinstance(setting, bool) or not self.low <= setting <= self.high:
            return None
        return int(setting) if self.kind == "int" else float(setting)

    def ends(self) -> tuple[Any, ...]:
        """The values that are checked first."""
        if self.kind == "choice":
            return self.choices
        return (int(self.low), int(self.high)) if self.kind == "int" else (self.low, self.high)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for pages."""
        return {
            "name": self.name, "kind": self.kind, "low": self.low, "high": self.high, "log": self.log,
            "choices": list(self.choices), "text": self.text,
        }  # fmt: skip


@dataclass(frozen=True)
class Space:
    """Everything that is varied, around a base configuration."""

    base: RunConfig
    parameters: tuple[Parameter, ...]

    @property
    def distributions(self) -> dict[str, BaseDistribution]:
        """Optuna's, by setting."""
        return {one.name: one.distribution for one in self.parameters}

    def config(self, params: Mapping[str, Any]) -> RunConfig:
        """The configuration of a trial. Raises ConfigError where its settings do not fit together."""
        return with_settings(self.base, self.settings(params))

    def settings(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """The JSON values of a trial's settings, by name, for tables and figures."""
        return {one.name: _json(one.setting(params[one.name])) for one in self.parameters}

    def here(self) -> dict[str, Any] | None:
        """The base's own values as a trial's, or None where one of them lies outside of what is searched."""
        found = {one.name: one.value(setting_of(self.base, one.name)) for one in self.parameters}
        return None if any(value is None for value in found.values()) else found


def with_settings(base: RunConfig, settings: Mapping[str, Any]) -> RunConfig:
    """``base`` with a trial's settings (JSON values by name). Raises ConfigError where they do not fit together."""
    found = []
    for name, value in settings.items():
        found += _svm(base, json.dumps(value)) if name == SVM_C else [f"{name}={json.dumps(value)}"]
    return base.with_overrides(found)


def setting_of(config: RunConfig, name: str) -> Any:
    """The JSON value of ``section.key``; of an SVM's C that of the headline head, where it is one."""
    node: Any = config.model_dump(mode="json")
    for key in name.split("."):
        node = node[key]
    if name == SVM_C and config.heads.head in config.heads.svm_names:
        return config.heads.svm_C[config.heads.svm_names.index(config.heads.head)]
    return node


def space_of(base: RunConfig, vary: Iterable[str]) -> Space:
    """What ``vary`` says. Raises ConfigError for what cannot be read, is unknown, or does not fit into ``base``."""
    parameters = tuple(_parameter(base, item) for item in vary)
    if not parameters:
        raise ConfigError(f"A search needs something to vary. {HOW}")
    names = [one.name for one in parameters]
    if double := [name for name in names if names.count(name) > 1]:
        raise ConfigError(f"'{double[0]}' is varied twice. Name each setting once.")
    space = Space(base, parameters)
    for one in parameters:
        for value in one.ends():
            _checked(base, one, value)
    _check_together(space)
    return space


def usual(config: RunConfig) -> tuple[str, ...]:
    """What is varied where nobody says it: the few settings of a recipe that matter most, around their values."""
    train, augment, heads = config.train, config.augment, config.heads
    found = [f"train.lr=log:{_number(train.lr / 10)}..{_number(min(1.0, train.lr * 10))}"]
    if train.weight_decay > 0:
        low, high = float(f"{train.weight_decay / 30:.1g}"), min(1.0, train.weight_decay * 6)
        found.append(f"train.weight_decay=log:{_number(low)}..{_number(high)}")
    if augment.mixup_alpha or augment.cutmix_alpha:
        found.append("augment.mix_prob=0..1")
    if config.model.backbone != "columns":
        found.append("smote.enabled=true,false")
    if heads.head in heads.svm_names:
        found.append(f"{SVM_C}=log:0.03..3")
    return tuple(found)


def _parameter(base: RunConfig, item: str) -> Parameter:
    name, separator, text = (part.strip() for part in item.partition("="))
    if not separator or not name or not text:
        raise ConfigError(f"'{item}' is no setting to vary. {HOW}")
    for start, why in REFUSED.items():
        if name == start or (start.endswith(".") and name.startswith(start)):
            raise ConfigError(f"'{name}' is not varied in a search: {why}. Give it to every trial instead: --set.")
    if ".." not in text:
        choices = tuple(_choice(value) for value in values_of(item)[1])
        if len(set(choices)) < len(choices):
            raise ConfigError(f"'{item}' names a value twice.")
        if unfair := next((one for one in choices if (name, _json(one)) in INFLATING), None):
            raise ConfigError(
                f"'{name}={_json(unfair)}' lets a trial see what it is judged on, so that it would always win. Leave "
                "it out."
            )
        return Parameter(name, "choice", choices=choices)
    log, text = text.startswith("log:"), text.removeprefix("log:")
    try:
        low, high = (float(end) for end in text.split(".."))
    except ValueError:
        raise ConfigError(f"'{item}' is no range. {HOW}") from None
    if not math.isfinite(low) or not math.isfinite(high) or low >= high or (log and low <= 0):
        above = ", the lower above 0" if log else ""
        raise ConfigError(f"'{item}' is no range: two numbers are needed, the lower first{above}.")
    whole = low.is_integer() and high.is_integer()
    return Parameter(name, "int" if whole and not _takes_fractions(base, name, low) else "float", low, high, log)


def _takes_fractions(base: RunConfig, name: str, low: float) -> bool:
    """Whether a setting takes numbers that are not whole."""
    for value in (low + 0.5, low + 0.25):
        try:
            _with(base, name, _number(value))
        except ConfigError:
            continue
        return True
    return False


def _with(base: RunConfig, name: str, text: str) -> RunConfig:
    return base.with_overrides(_svm(base, text) if name == SVM_C else [f"{name}={text}"])


def _svm(base: RunConfig, text: str) -> list[str]:
    """One SVM with this C in the place of those that the base has; the headline, where that is one of them."""
    value = _json(text)
    values = value if isinstance(value, list) else [value]
    found = [f"{SVM_C}={json.dumps(values)}"]
    if base.heads.head in base.heads.svm_names and all(isinstance(one, int | float) for one in values):
        found.append(f"heads.head={svm_name(values[0])}")
    return found


def _checked(base: RunConfig, parameter: Parameter, value: Any) -> None:
    try:
        _with(base, parameter.name, parameter.setting(value))
    except ConfigError as error:
        raise ConfigError(f"'{parameter.text}' cannot be searched. {error}") from None


def _check_together(space: Space) -> None:
    """Raises ConfigError where no combination fits together; a few that do not are trials that fail."""
    rng, reason = np.random.default_rng(0), ""
    for _ in range(TRIED):
        try:
            space.config({one.name: _drawn(one, rng) for one in space.parameters})
        except ConfigError as error:
            reason = str(error)
        else:
            return
    raise ConfigError(f"No combination of these settings can be used. {reason}")


def _drawn(parameter: Parameter, rng: np.random.Generator) -> Any:
    if parameter.kind == "choice":
        return parameter.choices[rng.integers(len(parameter.choices))]
    value = rng.uniform(parameter.low, parameter.high)
    return int(value) if parameter.kind == "int" else float(value)


def _choice(text: str) -> str:
    """A value of a choice as JSON text."""
    lowered = text.lower()
    if lowered in ("true", "false"):
        return lowered
    if lowered in ("none", "null"):
        return "null"
    try:
        return json.dumps(json.loads(text))
    except ValueError:
        return json.dumps(text)


def _json(text: str) -> Any:
    return json.loads(text)


def _number(value: float) -> str:
    """A number as people write it: 0.0003, 2, 1e-05."""
    return f"{value:.{DIGITS + 2}g}"
