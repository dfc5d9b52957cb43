"""The settings of every stage except training: data, folds, normalisation, SMOTE, heads, maps, explanations.

One frozen model per stage; ``core.config`` joins them.
"""

from __future__ import annotations

import math
from collections.abc import Container
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator, model_validator

LARGEST = 3.4028234663852886e38  # of float32, which patches are read as
UnitInterval = Annotated[float, Field(ge=0.0, le=1.0)]


class Section(BaseModel):
    """Base of every section: frozen, no unknown keys, no silent conversion of nonsense."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def explain_validation(error: ValidationError) -> str:
    """Pydantic's reasons in one line, with the setting that each is about."""
    lines = [
        f"{'.'.join(str(part) for part in e['loc']) or 'configuration'}: {e['msg'].removeprefix('Value error, ')}"
        for e in error.errors()
    ]
    return "These settings cannot be used. " + "; ".join(lines) + "."


def nodata_value(value: Any) -> Any:
    """A no-data value from outside: nan says nothing more than nan says by itself, so it is none.

    Raises ValueError for what no patch can hold.
    """
    try:
        number = None if value is None or value == "" else float(value)
    except (TypeError, ValueError):
        return value  # pydantic says what is wrong
    if number is None or math.isnan(number):
        return None
    if abs(number) > LARGEST:
        raise ValueError(f"{number:g} is beyond what a patch holds (float32); such values count as missing anyway")
    return number


NoDataValue = Annotated[float | None, BeforeValidator(nodata_value)]


def names_of(value: Any) -> Any:
    """A list of names from the command line's "a,b" as well."""
    return tuple(filter(None, map(str.strip, value.split(",")))) if isinstance(value, str) else value


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
        None, min_length=1, description="The dataset's cloud column; none: the one with cloud in its name."
    )
    exclude: tuple[str, ...] = Field((), description="Ids of patches that are left out as if they had no label.")
    labels: str | None = Field(
        None,
        min_length=1,
        title="Version of the labels",
        description="Corrected labels beside the dataset file, made from a review: a version's name, its number (v2) "
        "or latest; none: the labels of the file.",
    )

    @field_validator("bands", "exclude", mode="before")
    @classmethod
    def _one_name_is_a_list(cls, value: Any) -> Any:
        return names_of(value)


class FoldsConfig(Section):
    """How patches are divided for cross-validation."""

    protocol: Literal["folds", "single"] = Field(
        "folds",
        title="Protocol",
        description="folds: cross-validation, every patch is evaluated once. single: one split into a training and a "
        "validation part (paper B), which trains one network in place of one a fold; thresholds stay at 0.5, because "
        "there are no other folds to learn them from.",
    )
    val_share: float = Field(
        0.2,
        ge=0.05,
        le=0.5,
        title="Validation part",
        description="Share of the patches that protocol=single evaluates: grouped and stratified as folds are.",
    )
    n_splits: int = Field(
        5, ge=1, le=20, title="Folds", description="Number of folds, 2 or more; 1 with protocol=single."
    )
    seed: int | None = Field(None, ge=0, description="Seed that the folds are drawn with; none: the run's seed.")
    grouped: bool = Field(True, description="Keep patches of one group in one fold, where the dataset has groups.")
    group_by: str = Field(
        "groups",
        min_length=1,
        title="What stays together",
        description="What stays in one fold. groups: the dataset's, or squares of ground where these are too few for "
        "folds. block: squares of ground. duplicates: patches that show the same ground. Or the name of a column "
        "(scene, source, ...).",
    )
    block_km: float | None = Field(
        None,
        gt=0.0,
        le=5000.0,
        title="Side of a block (km)",
        description="Of a square of ground, for group_by=block; none: 5, or as much less as the folds need.",
    )
    buffer_m: float = Field(
        0.0,
        ge=0.0,
        le=1_000_000.0,
        title="Buffer (m)",
        description="Training patches that share ground with a patch of the validation part are left out "
        "of the fold, and so are those within this distance of one, from edge to edge. Needs places.",
    )
    region: str | None = Field(
        None,
        min_length=1,
        title="Leave one region out",
        description="Column that names the region of each patch (source, country, event, ...): each fold is evaluated "
        "on one region and trained on all others, so there are as many folds as regions and n_splits follows. none: "
        "folds are drawn as set above.",
    )
    rare_regions: Literal["refuse", "join"] = Field(
        "refuse",
        title="Regions that cannot be a fold",
        description="Regions with one class only, the smallest beyond 20 regions, and patches of an unknown region. "
        "refuse: the run stops and names them. join: they are evaluated together, as one fold.",
    )
    use_split: bool = Field(
        True,
        title="Hold back the dataset's test part",
        description="The dataset's own test part is in no fold and never trained on; the analysis locked_test judges "
        "it. false: folds over everything.",
    )
    hold_out_val: bool = Field(
        False,
        title="Hold back its validation part too",
        description="The dataset's own validation part is held back as the test part is; false: folds are drawn over "
        "train and validation together.",
    )
    on_leak: Literal["group", "refuse", "ignore"] = Field(
        "group",
        description="Shifted crops, near-duplicates and blends across groups. group: joined; where places show that "
        "they share ground, left out of training instead. refuse: the run stops. ignore: left apart. Identical patches "
        "are joined or left out in any case.",
    )

    @model_validator(mode="before")
    @classmethod
    def _one_split_is_one_fold(cls, value: Any) -> Any:
        return value | {"n_splits": 1} if isinstance(value, dict) and value.get("protocol") == "single" else value

    @model_validator(mode="after")
    def _cross_validation_has_two_folds(self) -> FoldsConfig:
        if self.protocol == "folds" and self.n_splits < 2:
            raise ValueError(
                "cross-validation needs 2 folds or more. Set folds.n_splits=5, or folds.protocol=single for one split "
                "into a training and a validation part"
            )
        return self

    @property
    def words(self) -> str:
        """How patches are divided, for a title: "5 folds", "one split"."""
        return "one split" if self.protocol == "single" else f"{self.n_splits} folds"

    @property
    def judged_share(self) -> float:
        """Share of the patches that one fold evaluates."""
        return self.val_share if self.protocol == "single" else 1 / self.n_splits

    @model_validator(mode="after")
    def _regions_are_groups(self) -> FoldsConfig:
        if self.region is not None and self.protocol == "single":
            raise ValueError(
                "folds.region evaluates each region once, and folds.protocol=single one part of the patches. Set "
                "folds.protocol=folds, or folds.region=none"
            )
        if self.region is not None and not self.grouped:
            raise ValueError(
                "folds.region keeps each region in one fold, and folds.grouped=false draws folds at random. Set "
                "folds.grouped=true, or folds.region=none"
            )
        return self


class NormaliseConfig(Section):
    """Per-band normalisation, fitted on the training part of each fold."""

    method: Literal["standard", "robust", "robust_iqr", "model", "minmax"] = Field(
        "standard",
        description="standard: (x - mean) / std. robust: (x - q50) / (q95 - q05). robust_iqr: (x - q50) / (q75 - q25). "
        "model: red, green, blue as the backbone's weights expect them, other bands standard. minmax: each patch by "
        "its own range, which loses its brightness.",
    )


class SmoteConfig(Section):
    """SSIM-SMOTE (paper A, Algorithm 1)."""

    enabled: bool = Field(True, description="Make synthetic landslide patches between structurally similar real ones.")
    method: Literal["ssim", "plain", "random"] = Field(
        "ssim",
        description="ssim: paper A's, neighbours by structural similarity. plain: SMOTE, neighbours by Euclidean "
        "distance. random: landslide patches repeated. To compare with none: smote.enabled=false.",
    )
    protocol: Literal["inside_fold", "before_folds"] = Field(
        "inside_fold",
        description="inside_fold: parents come from the fold's training part only. before_folds: as in paper A; "
        "parents may be in the validation part, which inflates the score.",
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
        "none",
        description="balanced: heads are fitted as if both classes were equally common. none: with the classes as they "
        "are.",
    )
    blend: bool = Field(
        False,
        description="Adds 'rich', an RBF-SVM on richer band statistics, and 'blend', its log-odds averaged with fc's.",
    )
    full: bool = Field(
        False,
        description="Adds 'full_boost', boosted trees on the full set of band statistics (entropy, skewness, indices).",
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
        """Heads of a run: those on its embedding, and where set the blend, its other member, and the full set's."""
        of_statistics = (*(("rich", "blend") if self.blend else ()), *(("full_boost",) if self.full else ()))
        return (*self.on_embeddings, *of_statistics)

    @property
    def on_embeddings(self) -> tuple[str, ...]:
        """The heads that read the network's embedding, and so have a boundary on its map."""
        others = (name for name, wanted in (("lgbm", self.lgbm), ("logreg", self.logreg)) if wanted)
        return ("fc", *self.svm_names, *others)

    @property
    def svm_names(self) -> tuple[str, ...]:
        """One per C; the gamma, which they share, is not part of their names."""
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
    """The projection of a fold's embeddings, and the boundary drawn on it."""

    method: Literal["umap", "pca", "tsne"] = Field(
        "umap",
        title="Method",
        description="umap, tsne: neighbourhoods (tsne cannot project new patches). pca: the two widest directions.",
    )
    metric: Literal["cosine", "euclidean", "correlation"] = Field(
        "cosine",
        title="Distance between embeddings",
        description="cosine: which features are active. euclidean: standardised, as the SVM measures.",
    )
    n_neighbors: int = Field(
        15,
        ge=2,
        le=200,
        title="Neighbours",
        description="UMAP's neighbourhood size. Few: detail. Many: broad layout.",
    )
    min_dist: UnitInterval = Field(
        0.1,
        title="Minimum distance",
        description="UMAP's smallest distance between points; small: tight groups.",
    )
    perplexity: float = Field(
        30.0,
        gt=1,
        le=200,
        title="Perplexity",
        description="t-SNE's neighbourhood size, about how many count.",
    )
    grid: int = Field(
        100, ge=10, le=300, title="Boundary grid", description="Cells on a side of the boundary's raster."
    )


class ExplainConfig(Section):
    """Grad-CAM and band occlusion."""

    enabled: bool = Field(
        True,
        description="Attention maps and band occlusion of every patch, after training. false: the run has none, and "
        "takes less time (sets of runs with a small budget).",
    )
    min_map: int = Field(8, ge=2, le=64, description="Smallest side of the Grad-CAM map; the deepest such layer.")
    method: Literal["auto", "gradcam", "gradcam++", "xgradcam", "layercam"] = Field(
        "auto",
        description="Method of attention maps. gradcam: the papers', made for a network's last layer; it can mislead "
        "at an inner layer, which small patches need. auto: xgradcam after a ReLU, where it is more reliable, gradcam "
        "elsewhere. `python -m core explain RUN --checks` tells whether the maps can be trusted.",
    )
    occlusion_baselines: tuple[Literal["mean", "zero", "zero_raw", "shuffle", "swap"], ...] = Field(
        ("mean", "zero_raw"),
        description="What replaces a band. mean: its training mean. zero: 0 after normalisation. "
        "zero_raw: 0 in its unit. shuffle: its own pixels in another order. swap: the band of a patch of the other "
        "class. All of them afterwards: `python -m core explain RUN --occlusion`.",
    )
