"""Every setting of a run: one frozen model per stage, joined in :class:`RunConfig`; named presets; JSON in and out.

Comes in: a preset name and ``section.key=value`` overrides, or the ``config.json`` of a run. Goes out: a complete,
validated :class:`RunConfig` whose hash names the specification. It knows nothing of data or devices.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Container, Iterable
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from core.errors import ConfigError

UnitInterval = Annotated[float, Field(ge=0.0, le=1.0)]


class Section(BaseModel):
    """Base of every section: frozen, no unknown keys, no silent conversion of nonsense."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class DataConfig(Section):
    """What of the dataset file is used."""

    bands: tuple[str, ...] | None = Field(
        None,
        description="Bands to train on, in this order: names, or optical, sar, sar_post, sar_change, terrain, "
        "descending, ascending, rgb; none means all.",
    )
    max_cloud: float | None = Field(
        None,
        ge=0.0,
        description="Patches with more cloud than this are left out, in the unit of the cloud column; none: no limit.",
    )
    cloud_column: str | None = Field(
        None, min_length=1, description="The dataset's column of cloud; none: the one with cloud in its name."
    )
    exclude: tuple[str, ...] = Field((), description="Ids of patches that are left out as if they had no label.")

    @field_validator("bands", "exclude", mode="before")
    @classmethod
    def _one_name_is_a_list(cls, value: Any) -> Any:
        return _names(value)


class FoldsConfig(Section):
    """How patches are divided for cross-validation."""

    n_splits: int = Field(5, ge=2, le=20, description="Number of folds.")
    grouped: bool = Field(True, description="Keep patches of one group in one fold, where the dataset has groups.")
    group_by: str = Field(
        "groups",
        min_length=1,
        description="What stays in one fold. groups: the dataset's. block: squares of ground. duplicates: patches that "
        "show the same ground. Or the name of a column (scene, source, ...).",
    )
    block_km: float = Field(5.0, gt=0.0, le=5000.0, description="Side of a square of ground, km, for group_by=block.")
    on_leak: Literal["group", "refuse", "ignore"] = Field(
        "group",
        description="Shifted crops, near-duplicates and blends across groups: group: joined. refuse: the run stops. "
        "ignore: left apart. Identical patches are always joined.",
    )


class NormaliseConfig(Section):
    """Per-band normalisation, fitted on the training part of each fold."""

    method: Literal["standard", "robust", "robust_iqr", "model", "minmax"] = Field(
        "standard",
        description="standard: (x - mean) / std. robust: (x - q50) / (q95 - q05). robust_iqr: (x - q50) / (q75 - q25). "
        "model: red, green, blue as the backbone's weights saw them, other bands standard. minmax: each patch by its "
        "own range, which loses how bright it is.",
    )


class SmoteConfig(Section):
    """SSIM-SMOTE (paper A, Algorithm 1)."""

    enabled: bool = Field(True, description="Make synthetic landslide patches between structurally similar real ones.")
    protocol: Literal["inside_fold", "before_folds"] = Field(
        "inside_fold",
        description="inside_fold: parents come from the fold's training part only. before_folds: paper A's way; "
        "parents may sit in the validation part, which inflates the score.",
    )
    k_neighbors: int = Field(5, ge=1, le=50, description="Most similar landslide patches to choose a neighbour from.")
    n_syn: int | None = Field(
        None, ge=1, le=50, description="Synthetic patches per landslide patch; none means: up to target_ratio."
    )
    target_ratio: float = Field(
        1.0, gt=0.0, le=1.0, description="Landslides per non-landslide after balancing, when n_syn is not set."
    )
    alpha: float = Field(1.0, gt=0.0, description="First parameter of the Beta distribution of the anchor weight.")
    beta: float = Field(1.0, gt=0.0, description="Second parameter of that distribution.")
    clip: tuple[UnitInterval, UnitInterval] = Field((0.1, 0.9), description="Bounds of the anchor weight.")

    @model_validator(mode="after")
    def _clip_is_ordered(self) -> SmoteConfig:
        if self.clip[0] > self.clip[1]:
            raise ValueError("clip needs its lower bound first")
        return self


class AugmentConfig(Section):
    """Online augmentation, per sample, on the device."""

    flips: bool = Field(True, description="Random horizontal and vertical flips.")
    quarter_turns: bool = Field(True, description="Random rotation by 0, 90, 180 or 270 degrees.")
    mixup_alpha: float = Field(0.2, ge=0.0, description="MixUp's Beta(alpha, alpha); 0 switches it off.")
    cutmix_alpha: float = Field(1.0, ge=0.0, description="CutMix's Beta(alpha, alpha); 0 switches it off.")
    mix_prob: UnitInterval = Field(0.5, description="Share of batches that are mixed.")
    label_smoothing: float = Field(0.0, ge=0.0, lt=0.5, description="Share of the target spread over both classes.")


class ModelConfig(Section):
    """The network."""

    backbone: str = Field("tf_efficientnetv2_l.in21k_ft_in1k", description="Any timm model name.")
    pretrained: bool = Field(True, description="Load the hub's weights for that name.")
    weights: str | None = Field(None, description="A local .safetensors file instead of the hub's weights.")
    image_size: int | None = Field(None, ge=16, le=1024, description="Side in pixels after resizing; none keeps it.")
    drop_rate: UnitInterval = Field(0.0, description="Dropout before the last layer.")
    arguments: dict[str, Any] = Field({}, description="Further arguments of timm's create_model, for example widths.")
    indices: Literal["auto", "stack12", "stack20", "stack28"] | tuple[str, ...] = Field(
        (),
        description="Indices as further input bands, computed inside the network: names, auto (every plain ratio of "
        "bands that fits), or a stack of paper A: stack12, stack20, stack28.",
    )
    statistics_branch: bool = Field(
        False, description="Join each band's mean, spread and quantiles to the embedding, inside the network."
    )

    @field_validator("indices", mode="before")
    @classmethod
    def _one_name_is_a_list(cls, value: Any) -> Any:
        return value if value == "auto" or str(value).startswith("stack") else _names(value) or ()


class TrainConfig(Section):
    """The loop."""

    epochs: int = Field(50, ge=1, le=1000, description="Passes over the fold's training part.")
    batch_size: int = Field(36, ge=2, le=4096, description="Patches in one step.")
    optimizer: Literal["adam", "adamw"] = Field("adam", description="Optimiser.")
    lr: float = Field(3e-4, gt=0.0, le=1.0, description="Initial learning rate.")
    weight_decay: float = Field(0.0, ge=0.0, le=1.0, description="Weight decay.")
    schedule: Literal["none", "cosine"] = Field("cosine", description="Learning rate over the epochs.")
    warmup_epochs: int = Field(0, ge=0, le=100, description="Linear warm-up before the schedule.")
    ema_decay: float | None = Field(
        None, gt=0.0, lt=1.0, description="Decay of the running average of weights that is judged; none: no average."
    )
    tta: bool = Field(False, description="Average predictions over flips and quarter turns.")
    select: Literal["last"] = Field("last", description="Which epoch is kept: the last one, chosen without looking.")

    @field_validator("schedule", mode="before")
    @classmethod
    def _null_schedule_is_none(cls, value: Any) -> Any:
        return "none" if value is None else value  # train.schedule=none reads as null on the command line


class HeadsConfig(Section):
    """What turns an embedding into a decision."""

    svm_C: tuple[Annotated[float, Field(gt=0.0)], ...] = Field(
        (1.0, 0.75, 0.5, 0.1), min_length=1, description="RBF-SVM's C values (Table 3)."
    )
    svm_gamma: Literal["scale"] | Annotated[float, Field(gt=0.0)] = Field(
        "scale", description="Width of the RBF-SVM's kernel: scale is 1 / (features x variance); or any number."
    )
    lgbm: bool = Field(True, description="Boosted trees (LightGBM) on the embedding.")
    logreg: bool = Field(True, description="Logistic regression on the embedding.")
    class_weight: Literal["none", "balanced"] = Field(
        "none", description="balanced: heads are fitted as if both classes were equally common. none: as they are."
    )
    blend: bool = Field(
        False,
        description="Adds 'rich', an RBF-SVM on richer band statistics, and 'blend', its log-odds averaged with fc's.",
    )
    head: str = Field("svm_c0.1", description="The head whose numbers are the headline.")
    threshold: Literal["best_f1", "half"] = Field(
        "best_f1", description="best_f1: fold k's threshold is one near the best F1 of the other folds. half: 0.5."
    )

    @field_validator("class_weight", mode="before")
    @classmethod
    def _null_weight_is_none(cls, value: Any) -> Any:
        return "none" if value is None else value  # heads.class_weight=none reads as null on the command line

    @model_validator(mode="after")
    def _headline_exists(self) -> HeadsConfig:
        if self.head not in self.names:
            raise ValueError(f"head '{self.head}' is not one of {', '.join(self.names)}")
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """Heads of a run: those on its embedding, and where set the blend and its other member."""
        return (*self.on_embeddings, *(("rich", "blend") if self.blend else ()))

    @property
    def on_embeddings(self) -> tuple[str, ...]:
        """Those of them that read the network's embedding, and so have a boundary on its map."""
        others = (name for name, wanted in (("lgbm", self.lgbm), ("logreg", self.logreg)) if wanted)
        return ("fc", *self.svm_names, *others)

    @property
    def svm_names(self) -> tuple[str, ...]:
        """One a C; the gamma, which they share, stays out of their names."""
        return tuple(svm_name(C) for C in self.svm_C)

    def headline(self, judged: Container[str]) -> str:
        """The head whose numbers are the headline: ``head``, or fc where that one had to be left out."""
        return self.head if self.head in judged else "fc"


def svm_name(C: float, gamma: float | str = "scale") -> str:
    """Name of the RBF-SVM head with this C, as it stands in every table of a run: ``svm_c0.1``.

    A gamma that is not the run's own is part of it: ``svm_c0.1_g0.001``.
    """
    return f"svm_c{C:g}" if gamma == "scale" else f"svm_c{C:g}_g{gamma:g}"


class EmbedConfig(Section):
    """The map of a fold's embeddings and the boundary drawn on it."""

    method: Literal["umap", "pca", "tsne"] = Field(
        "umap", description="umap, tsne: neighbourhoods (tsne cannot project). pca: the two widest directions."
    )
    metric: Literal["cosine", "euclidean", "correlation"] = Field(
        "cosine", description="How far embeddings are apart. euclidean: standardised, as the SVM measures."
    )
    n_neighbors: int = Field(15, ge=2, le=200, description="UMAP's neighbourhood size.")
    min_dist: UnitInterval = Field(0.1, description="UMAP's smallest distance between points.")
    perplexity: float = Field(30.0, gt=1, le=200, description="t-SNE's neighbourhood size.")
    grid: int = Field(60, ge=10, le=300, description="Cells on a side of the boundary's raster.")


class ExplainConfig(Section):
    """Grad-CAM and band occlusion."""

    min_map: int = Field(8, ge=2, le=64, description="Smallest side of the Grad-CAM map; the deepest such layer.")
    method: Literal["auto", "gradcam", "gradcam++", "xgradcam", "layercam"] = Field(
        "auto",
        description="How attention maps are made. gradcam is the papers', made for a network's last layer; it can "
        "mislead at an inner one, which small patches need. auto: xgradcam after a ReLU, where it holds better, "
        "gradcam elsewhere. `python -m core explain RUN --checks` says what the maps are worth.",
    )
    occlusion_baselines: tuple[Literal["mean", "zero", "zero_raw", "shuffle", "swap"], ...] = Field(
        ("mean", "zero_raw"),
        description="What replaces a band in every run. mean: its training mean. zero: 0 after normalisation. "
        "zero_raw: 0 in its unit. shuffle: its own pixels in another order. swap: the band of a patch of the other "
        "class. All of them afterwards: `python -m core explain RUN --occlusion`.",
    )


class RunConfig(Section):
    """One complete specification of a run; ``seed`` and everything below decide every number on a CPU."""

    preset: str = Field("custom", description="Name of the preset this started from.")
    seed: int = Field(0, ge=0, description="Seed of folds, SMOTE, initial weights and batches.")
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
        return self

    def to_json(self) -> str:
        """Complete JSON, defaults included, keys in the order of this file."""
        return json.dumps(self.model_dump(mode="json"), indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str) -> RunConfig:
        """The inverse of :meth:`to_json`. Raises ConfigError naming each wrong key."""
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            raise ConfigError(_explain(error)) from error

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
            _assign(tree, path.strip(), _parse(text.strip()))
        try:
            return RunConfig.model_validate(tree)
        except ValidationError as error:
            raise ConfigError(_explain(error)) from error


def _names(value: Any) -> Any:
    """A list of names from the command line's "a,b" as well."""
    return tuple(filter(None, map(str.strip, value.split(",")))) if isinstance(value, str) else value


def _parse(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
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


def _explain(error: ValidationError) -> str:
    lines = [f"{'.'.join(str(part) for part in e['loc']) or 'configuration'}: {e['msg']}" for e in error.errors()]
    return "These settings cannot be used. " + "; ".join(lines) + "."


# The papers' recipe is the default of every section (256 px, Adam 3e-4, batch 36, 50 epochs, soft-label KL).
# `demo` takes minutes on two cores; `small` is the best result without downloaded weights on two cores.
PRESETS: dict[str, tuple[str, ...]] = {
    "demo": (
        "model.backbone=resnet18",
        'model.arguments={"channels": [16, 32, 64, 128]}',  # a quarter of the width
        "model.pretrained=false",
        "smote.target_ratio=0.5",  # synthetic scars are blurred by averaging: with too many, blur is what is learnt
        "augment.mix_prob=0.25",
        "train.epochs=10",
        "train.batch_size=32",
        "train.optimizer=adamw",
        "train.lr=0.002",
        "train.weight_decay=0.05",
        "train.warmup_epochs=1",
        "train.ema_decay=0.98",
    ),
    "small": (
        "model.backbone=resnet18",
        'model.arguments={"channels": [32, 64, 128, 256]}',  # half the width: three times the speed, no worse
        "model.pretrained=false",
        "model.indices=auto",
        "train.epochs=25",
        "train.batch_size=32",
        "train.optimizer=adamw",
        "train.lr=0.001",
        "train.weight_decay=0.05",
        "train.warmup_epochs=2",
        "train.ema_decay=0.99",
        "train.tta=true",
        "augment.mixup_alpha=0.2",
        "augment.cutmix_alpha=0",
        "augment.mix_prob=1",
        "heads.blend=true",
        "heads.head=blend",
    ),
}


def preset(name: str) -> RunConfig:
    """The named preset. Raises ConfigError naming the known ones."""
    if name not in PRESETS:
        raise ConfigError(f"There is no preset '{name}'. Known: {', '.join(sorted(PRESETS))}.")
    return RunConfig(preset=name).with_overrides(PRESETS[name])
