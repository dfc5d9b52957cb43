"""The settings of training: augmentation, the network, the loop.

One frozen model each; ``core.config`` joins them with the others. Every default is the recipe of the first paper;
what was added later is off by default.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from core.config.model_arguments import check_arguments
from core.config.sections import Section, UnitInterval, names_of

COLUMNS = "columns"  # model.backbone of a dataset of columns: no network, see core.train.networks.encoders
UNET = "unet_"  # before the name of a U-Net's encoder
RENAMED = {"size_column": "second_column", "size_weight": "second_weight"}  # of ModelConfig: once -> now
PACKAGED = "packaged"  # model.pretrained: weights from a Python package, see core.config.packaged_weights
OPTICAL, SAR, INDICES = "optical", "sar", "indices"
AFTER, BEFORE = "after", "before"  # the event
BRANCHES: dict[str, tuple[str, ...]] = {  # model.branches -> the encoders that it names, the first one first
    "one": (),
    "optical_sar": (OPTICAL, SAR),
    "optical_indices": (OPTICAL, INDICES),
    "optical_sar_indices": (OPTICAL, SAR, INDICES),
    "before_after": (AFTER, BEFORE),
}


class AugmentConfig(Section):
    """Online augmentation, per sample, on the device."""

    flips: bool = Field(True, description="Random horizontal and vertical flips.")
    quarter_turns: bool = Field(True, description="Random rotation by 0, 90, 180 or 270 degrees.")
    mixup_alpha: float = Field(0.2, ge=0.0, description="MixUp's Beta(alpha, alpha); 0 switches it off.")
    cutmix_alpha: float = Field(1.0, ge=0.0, description="CutMix's Beta(alpha, alpha); 0 switches it off.")
    mix_prob: UnitInterval = Field(0.5, description="Share of batches that are mixed.")
    cutmix_box: Literal["clipped", "corners"] = Field(
        "clipped",
        description="clipped: a box of the drawn share around a drawn centre, clipped at the border (CutMix's own). "
        "corners: both corners drawn evenly (paper A, Algorithm 2). Labels follow the box's true share.",
    )
    rotation: float = Field(0.0, ge=0.0, le=180.0, description="Rotation by up to this many degrees either way.")
    shear: float = Field(0.0, ge=0.0, le=60.0, description="Shear by up to this many degrees either way.")
    translation: UnitInterval = Field(0.0, description="Translation by up to this share of the side.")
    shift: int = Field(0, ge=0, le=512, description="Shift by up to this many whole pixels, without blurring.")
    crop: float = Field(
        1.0,
        ge=0.1,
        le=1.0,
        description="Side of a square that is cropped anywhere and enlarged again; 300 of 350 pixels: 0.857.",
    )
    fill: Literal["zeros", "border", "reflection"] = Field(
        "reflection", description="What fills the area outside a moved patch. zeros: the training mean of each band."
    )
    affine_prob: UnitInterval = Field(
        1.0, description="Share of patches that are rotated, sheared, shifted or cropped."
    )
    brightness: UnitInterval = Field(0.0, description="Optical reflectance times 1 plus or minus up to this.")
    contrast: UnitInterval = Field(0.0, description="Optical contrast times 1 plus or minus up to this.")
    saturation: UnitInterval = Field(
        0.0, description="Distance of optical bands from their mean times 1 plus or minus up to this."
    )
    jitter: UnitInterval = Field(0.0, description="Each optical band separately times 1 plus or minus up to this.")
    grayscale: UnitInterval = Field(0.0, description="Share of patches whose optical bands all become their mean.")
    noise: float = Field(0.0, ge=0.0, le=1.0, description="Noise on optical bands: standard deviation of reflectance.")
    speckle_looks: int | None = Field(
        None, ge=1, le=64, description="Multiplicative speckle with this many looks on SAR bands; fewer is stronger."
    )
    sar_offset: float = Field(0.0, ge=0.0, le=10.0, description="SAR bands plus or minus up to this many dB.")
    label_smoothing: float = Field(0.0, ge=0.0, lt=0.5, description="Share of the target spread over both classes.")

    @property
    def needs_units(self) -> bool:
        """Whether any augmentation works in the bands' own units."""
        optical = (self.brightness, self.contrast, self.saturation, self.jitter, self.grayscale, self.noise)
        return any(optical) or self.sar_offset > 0 or self.speckle_looks is not None

    @property
    def moves_pixels(self) -> bool:
        """Whether patches are rotated by any angle, sheared, shifted or cropped."""
        moved = any((self.rotation, self.shear, self.translation, self.shift)) or self.crop < 1.0
        return moved and self.affine_prob > 0.0


class ModelConfig(Section):
    """The network."""

    backbone: str = Field(
        "tf_efficientnetv2_l.in21k_ft_in1k",
        description="Any timm model name, unet_NAME for a U-Net around one, baseline_cnn, the second paper's "
        "network of five layers, or columns, for a table of columns: its numbers themselves.",
    )
    pretrained: bool | Literal["packaged"] = Field(
        True,
        description="What the network starts from. true: the hub's weights of that name, which are downloaded. "
        "packaged: ImageNet weights from an installed Python package, without a download (tf_efficientnet_lite0, "
        "_lite1, _lite2). false: random weights.",
    )
    weights: str | None = Field(
        None,
        description="A local .safetensors file, another run (checkpoints/RUN) or one of its folds "
        "(checkpoints/RUN/fold_0), instead of the hub's weights. Where both runs share patches, folds are matched so "
        "that none is evaluated on what its weights learnt from.",
    )
    weights_overlap: Literal["refuse", "leave_out"] = Field(
        "refuse",
        description="Patches that the weights learnt from and that a fold would be evaluated on. refuse: the run "
        "stops. leave_out: they are left out of the run.",
    )
    weights_groups: Literal["same", "other"] = Field(
        "same",
        description="Groups of one name in this dataset and in that of the weights. same: the same scene, so its "
        "patches overlap. other: a coincidence of names.",
    )
    weights_fit: Literal["all", "matching"] = Field(
        "all",
        description="all: the file must fit the network and the bands. matching: arrays that fit by name and shape are "
        "used, the rest starts from random weights, and the run lists them.",
    )
    image_size: int | None = Field(
        None, ge=16, le=1024, description="Side in pixels after resizing; none keeps the original size."
    )
    drop_rate: UnitInterval = Field(0.0, description="Dropout before the last layer.")
    arguments: dict[str, Any] = Field({}, description="Widths, depths and the like, as timm names them.")
    indices: Literal["auto", "stack12", "stack20", "stack28"] | tuple[str, ...] = Field(
        (),
        description="Indices as further input bands, computed inside the network: names, auto (every plain ratio of "
        "bands that fits), or a stack of paper A: stack12, stack20, stack28.",
    )
    branches: Literal["one", "optical_sar", "optical_indices", "optical_sar_indices", "before_after"] = Field(
        "one",
        description="one: a single encoder reads all bands. optical_sar: the backbone reads the optical bands (and any "
        "that are not SAR), a second encoder reads SAR, and their embeddings are joined. optical_indices, "
        "optical_sar_indices: the indices (model.indices) have an encoder of their own too. before_after: one encoder "
        "reads the bands after the event and those before it (red and red_pre) by the same weights; both embeddings "
        "and their absolute difference are joined.",
    )
    sar_backbone: str | None = Field(
        None, description="Encoder of the SAR branch, where branches has one; none: the same as the backbone."
    )
    sar_weights: str | None = Field(
        None,
        description="A local .safetensors file for the SAR branch. none: from the same source as the optical branch.",
    )
    sar_arguments: dict[str, Any] | None = Field(
        None, description="Arguments of the SAR branch's encoder; none: those of the backbone, where it is the same."
    )
    fusion: Literal["concat", "mean", "gated"] = Field(
        "concat",
        description="How the encoders' embeddings are fused. concat: one after the other. mean: their mean. gated: a "
        "weighted mean with learnt weights.",
    )
    modality_dropout: float = Field(
        0.0,
        ge=0.0,
        lt=1.0,
        description="Share of training patches that lose all optical or all SAR bands, half of them each, so that the "
        "network learns to answer without one of them. With one encoder or two.",
    )
    columns: tuple[str, ...] = Field(
        (),
        description="Columns of the dataset file, numbers or categories (slope, elevation, rain), joined to the "
        "embedding inside the network. Values may be missing, even all of a patch.",
    )
    columns_dropout: UnitInterval = Field(
        0.3,
        description="Share of training patches whose columns are all treated as unknown, so that the network learns "
        "to answer without them.",
    )
    columns_leak: Literal["refuse", "allow"] = Field(
        "refuse",
        description="What happens when a column, or its missing values, leak the label. refuse: the run does not start "
        "and names the column. allow: it starts; its scores hold only where the column is known in the same way.",
    )
    second_column: str | None = Field(
        None,
        description="A column of classes (size, age, trigger) that a second head learns to answer beside the label; "
        "none: no second head. Where its value is unknown, nothing is learnt of it.",
    )
    second_of: Literal["known", "landslides"] = Field(
        "known",
        description="Patches that the second head learns from. known: all whose value is known. landslides: only "
        "landslides among them.",
    )
    second_weight: float = Field(
        0.3, ge=0.0, le=10.0, description="Weight of the second head's loss relative to the label's (second_column)."
    )
    statistics_branch: bool = Field(
        False, description="Join each band's mean, spread and quantiles to the embedding, inside the network."
    )
    masks: bool = Field(
        False,
        description="Learn the outlines too: a U-Net's decoder answers for each pixel, trained with the dataset's "
        "masks beside the label. Needs a U-Net (unet_NAME), one encoder, and a dataset with masks.",
    )
    mask_weight: float = Field(
        1.0, gt=0.0, le=100.0, description="Weight of the pixels' loss relative to the label's (masks)."
    )

    @field_validator("arguments", "sar_arguments")
    @classmethod
    def _only_known_arguments(cls, value: dict[str, Any] | None) -> dict[str, Any] | None:
        return None if value is None else check_arguments(value)

    @field_validator("indices", mode="before")
    @classmethod
    def _one_name_is_a_list(cls, value: Any) -> Any:
        return value if value == "auto" or str(value).startswith("stack") else names_of(value) or ()

    @model_validator(mode="before")
    @classmethod
    def _size_was_the_only_second_column(cls, value: Any) -> Any:
        """Settings of earlier runs: sizes were learnt of landslides alone."""
        if not isinstance(value, dict) or not {"size_column", "size_weight"} & set(value):
            return value
        named = {RENAMED.get(name, name): one for name, one in value.items()}
        if named.get("second_column") is not None and "size_column" in value:
            named.setdefault("second_of", "landslides")
        return named

    @model_validator(mode="after")
    def _a_second_head_cannot_read_its_answer(self) -> ModelConfig:
        if self.second_column is not None and self.second_column in self.columns:
            raise ValueError(
                f"'{self.second_column:.80}' is read by the network (columns) and answered by its second head "
                "(second_column), which would only repeat it. Take it out of one of them"
            )
        return self

    @model_validator(mode="after")
    def _masks_need_a_decoder(self) -> ModelConfig:
        if self.masks and not self.backbone.startswith(UNET):
            raise ValueError(
                f"masks needs a U-Net, whose decoder answers for each pixel; the backbone is '{self.backbone:.80}'. "
                f"Set model.backbone={UNET}resnet18 or {UNET} before another timm name, or model.masks=false"
            )
        if self.masks and self.branches != "one":
            raise ValueError("masks needs one encoder for all bands. Set model.branches=one, or model.masks=false")
        return self

    @field_validator("columns", mode="before")
    @classmethod
    def _one_column_is_a_list(cls, value: Any) -> Any:
        return names_of(value) or ()

    @model_validator(mode="after")
    def _moments_have_no_indices(self) -> ModelConfig:
        if self.branches == "before_after" and self.indices:
            raise ValueError(
                "branches=before_after reads each band before and after the event, and indices have no moment. Set "
                "model.indices=[], or model.branches=one"
            )
        return self

    @model_validator(mode="after")
    def _sar_settings_need_their_branch(self) -> ModelConfig:
        of_sar = [name for name in ("sar_backbone", "sar_weights", "sar_arguments") if getattr(self, name) is not None]
        if SAR not in BRANCHES[self.branches] and of_sar:
            raise ValueError(
                f"model.{of_sar[0]} belongs to a SAR branch, and there is none. Set model.branches=optical_sar, or "
                "leave it"
            )
        return self


class TrainConfig(Section):
    """The loop."""

    epochs: int = Field(50, ge=1, le=1000, description="Passes over the fold's training part.")
    batch_size: int = Field(36, ge=2, le=4096, description="Patches in one batch.")
    accumulate: int = Field(
        1,
        ge=1,
        le=256,
        description="Gradient accumulation: batches per optimiser step, for a larger batch in less memory.",
    )
    loss: Literal["kl", "bce", "focal", "bce_f1"] = Field(
        "kl",
        description="kl: Kullback-Leibler divergence from the soft labels (paper A). bce: binary cross-entropy of the "
        "landslide's log-odds. focal: cross-entropy with less weight on easy patches. bce_f1: the mean of bce and of "
        "1 - F1 of the batch, counted with probabilities, so that it has a gradient.",
    )
    focal_gamma: float = Field(
        2.0,
        ge=0.0,
        le=10.0,
        description="How much less weight the focal loss gives to easy patches; 0: the same weight.",
    )
    class_weight: Literal["none", "balanced"] = Field(
        "none",
        description="balanced: each class counts n / (2 n_c), with n_c its patches after SMOTE. none: every patch "
        "counts the same.",
    )
    optimizer: Literal["adam", "adamw", "sgd", "rmsprop", "nadam"] = Field("adam", description="Optimiser.")
    lr: float = Field(3e-4, gt=0.0, le=1.0, description="Initial learning rate.")
    momentum: float = Field(0.9, ge=0.0, lt=1.0, description="Momentum of sgd; other optimisers have their own.")
    weight_decay: float = Field(0.0, ge=0.0, le=1.0, description="Weight decay.")
    schedule: Literal["none", "step", "cosine"] = Field("cosine", description="Learning rate over the epochs.")
    step_epochs: int = Field(15, ge=1, le=1000, description="Epochs between the steps of schedule=step.")
    step_factor: float = Field(0.1, gt=0.0, le=1.0, description="Factor of the rate at each such step.")
    warmup_epochs: int = Field(0, ge=0, le=100, description="Linear warm-up before the schedule.")
    ema_decay: float | None = Field(
        None,
        gt=0.0,
        lt=1.0,
        description="Decay of the running average of weights (EMA) that is evaluated; none: no average.",
    )
    tta: bool = Field(False, description="Test-time augmentation: average predictions over flips and quarter turns.")
    select: Literal["last", "inner", "fold_best"] = Field(
        "last",
        description="Which epoch's weights are used. last: the last one, without selection. inner: the best F1 on a "
        "share of the training part that is held back, by groups. fold_best: the best F1 on the validation fold, as in "
        "the papers, which inflates the score.",
    )
    inner_share: float = Field(
        0.2, ge=0.05, le=0.5, description="Share of the training part that select=inner holds back."
    )
    judge_steps: int | None = Field(
        None,
        ge=1,
        description="Evaluate the F1 every this many steps as well (the first paper: 3); none: once per epoch.",
    )
    patience: int | None = Field(
        None,
        ge=1,
        description="Early stopping after this many epochs without a better F1; needs select=inner or fold_best.",
    )
    trainable: Literal["all", "head", "layers", "blocks"] = Field(
        "all",
        description="Which part of the network is trained. head: the last layer only (frozen backbone). layers: also "
        "the backbone's last top_layers leaf modules, batch normalisation and activations counted. blocks: also its "
        "last top_blocks blocks, as timm groups them. all: everything.",
    )
    top_layers: int = Field(20, ge=1, le=5000, description="Leaf modules that trainable=layers trains.")
    top_blocks: int = Field(2, ge=1, le=500, description="Blocks that trainable=blocks trains.")
    head_epochs: int = Field(
        0, ge=0, le=1000, description="First phase: epochs in which only the last layer is trained."
    )
    top_epochs: int = Field(
        0, ge=0, le=1000, description="Second phase: epochs in which top_layers are trained; then trainable applies."
    )
    frozen_views: int | None = Field(
        None,
        ge=1,
        le=64,
        description="While only the last layer learns (head_epochs, trainable=head), the frozen part reads each patch "
        "once, in this many views: as it is, the others augmented. Patches are not mixed then (MixUp, CutMix). none: "
        "it reads every batch anew.",
    )
    batch_norm: Literal["auto", "train", "frozen"] = Field(
        "auto",
        description="Batch normalisation of the trained part. auto: frozen, weights and running statistics, while a "
        "part of the backbone is frozen. train, frozen: always.",
    )
    layer_decay: float = Field(
        1.0,
        gt=0.0,
        le=1.0,
        description="Discriminative learning rates: the last layer learns at lr, each earlier block at this factor of "
        "the next block's rate; 1: the same rate for all.",
    )
    channels_last: bool = Field(True, description="Keep bands innermost in memory: faster convolutions.")
    compile: bool = Field(False, description="Compile the network (torch.compile): slow start, faster steps on a GPU.")

    @field_validator("schedule", "class_weight", mode="before")
    @classmethod
    def _null_is_none(cls, value: Any) -> Any:
        return "none" if value is None else value  # train.schedule=none reads as null on the command line

    @model_validator(mode="after")
    def _looking_needs_something_to_look_at(self) -> TrainConfig:
        if self.select == "last" and (self.patience is not None or self.judge_steps is not None):
            raise ValueError(
                "train.patience and train.judge_steps look for the best F1. Set train.select=inner (honest) or "
                "fold_best, or leave both at none"
            )
        return self
