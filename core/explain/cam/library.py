"""pytorch-grad-cam's attention maps, one patch at a time: what needs many passes a patch or no gradient at all.

Maps are raw, as those of ``core.explain.cam.gradcam``. The library is given our layer and our conversion (its own for
Swin and ViT raise on current timm) and is kept from scaling the map. Its context manager is not used: leaving it
swallows IndexError.
"""

from __future__ import annotations

from functools import lru_cache
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import nn

from core.errors import ConfigError, MissingDependencyError
from core.explain.cam.gradcam import HasCamLayer, Target, frozen
from core.torchvision_guard import guard_torchvision

METHODS = {  # our name: theirs
    "gradcam": "GradCAM",
    "gradcam++": "GradCAMPlusPlus",
    "xgradcam": "XGradCAM",
    "layercam": "LayerCAM",
    "eigencam": "EigenCAM",
    "scorecam": "ScoreCAM",
    "ablationcam": "AblationCAM",
}
MASKED_BYTES = 2 * 2**30  # Score-CAM holds one copy of the patch a channel at once


def library_cam(
    network: HasCamLayer,
    image: np.ndarray,
    method: str,
    device: torch.device | str = "cpu",
    min_map: int = 8,
    target: Target = 1,
    layer: str | None = None,
) -> tuple[np.ndarray, str]:
    """Raw map (h, w) float32, at least 0, of one patch (C, H, W), and the layer it comes from.

    method: one of ``METHODS``. Eigen-CAM knows no class: it is the first principal component of the activations, whose
    sign is chosen so that its largest value is positive (the library leaves it to chance). Score- and Ablation-CAM run
    the network once a channel. Raises ConfigError for an unknown method or a layer of too many channels for Score-CAM,
    MissingDependencyError without the library. The network is left as it was.
    """
    if method not in METHODS:
        raise ConfigError(f"pytorch-grad-cam is asked for '{method}' here. Known: {', '.join(METHODS)}.")
    name, module, reshape = network.cam_layer(min_map) if layer is None else network.cam_layer(min_map, layer)
    batch = torch.as_tensor(np.ascontiguousarray(image))[None].float()
    with frozen(network):
        network.to(device)
        if method == "scorecam":
            _fits(network, module, reshape, batch.to(device))
        # The library's hooks need a gradient to flow, though no parameter takes one.
        batch = batch.to(device).requires_grad_(True)
        column = int(network(batch)[0].argmax()) if target == "predicted" else target
        found = _run(network, module, reshape, method, batch, column)
    return found.astype(np.float32), name


def _run(network: Any, module: nn.Module, reshape: Any, method: str, batch: torch.Tensor, column: int) -> np.ndarray:
    library = _library()
    extra = {}
    target = library.target(column)
    if method == "ablationcam":
        extra["ablation_layer"] = library.ablation_layer(reshape)
        with torch.no_grad():
            before = network(batch)[0, column]
        # It divides the drop by the logit, which turns the map round where that is negative: let the logit be 1.
        target = _ShiftedTarget(column, before - 1.0)
    cam = library.raw[method](network, [module], reshape, **extra)
    try:
        with torch.enable_grad():
            found = cam(batch, [target])[0]
    finally:
        cam.activations_and_grads.release()
        if extra:  # an exception between its two replacements would leave the network without its layer
            library.replace(network, extra["ablation_layer"], module)
    if method == "eigencam" and abs(found.min()) > abs(found.max()):
        found = -found
    return np.maximum(found, 0)


class _ShiftedTarget:
    """One logit less a constant."""

    def __init__(self, column: int, less: torch.Tensor):
        self.column, self.less = column, less

    def __call__(self, logits: torch.Tensor) -> torch.Tensor:
        return logits[self.column] - self.less


def _fits(network: Any, module: nn.Module, reshape: Any, batch: torch.Tensor) -> None:
    """Raise ConfigError where Score-CAM's copies of the patch would not fit."""
    shapes: list[int] = []
    handle = module.register_forward_hook(
        lambda _module, _inputs, output: shapes.append((output if reshape is None else reshape(output)).shape[1])
    )
    try:
        with torch.no_grad():
            network(batch)
    finally:
        handle.remove()
    needed = shapes[-1] * batch.numel() * batch.element_size()
    if needed > MASKED_BYTES:
        raise ConfigError(
            f"Score-CAM would hold {shapes[-1]} copies of this patch at once ({needed / 2**30:.1f} GiB; at most "
            f"{MASKED_BYTES / 2**30:.0f}). Choose a layer with fewer channels, or another method."
        )


def library_is_here() -> bool:
    """Whether pytorch-grad-cam can be had; the first call loads it, which takes about a second."""
    try:
        _library()
    except MissingDependencyError:
        return False
    return True


@lru_cache(maxsize=1)
def _library() -> SimpleNamespace:
    """The library's classes, kept from scaling and from drawing progress bars; loaded when first asked for."""
    guard_torchvision()
    try:
        import pytorch_grad_cam
        from pytorch_grad_cam import ablation_cam, score_cam
        from pytorch_grad_cam.ablation_layer import AblationLayer
        from pytorch_grad_cam.utils.find_layers import replace_layer_recursive
        from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
    except ImportError as error:
        raise MissingDependencyError(
            "These attention methods come from pytorch-grad-cam, which is not installed. "
            "Install it: pip install grad-cam. Grad-CAM, Grad-CAM++, XGrad-CAM and Layer-CAM work without it."
        ) from error
    for chatty in (ablation_cam, score_cam):
        chatty.tqdm = SimpleNamespace(tqdm=lambda rounds: rounds)  # its bars would fill the log

    def raw(cls: type) -> type:
        class Raw(cls):
            def compute_cam_per_layer(self, input_tensor: Any, targets: Any, eigen_smooth: bool) -> np.ndarray:
                held = self.activations_and_grads
                gradients = held.gradients[0].cpu().numpy() if held.gradients else None
                activations = held.activations[0].cpu().numpy()
                layer = self.target_layers[0]
                return self.get_cam_image(input_tensor, layer, targets, activations, gradients, eigen_smooth)

            def aggregate_multi_layers(self, cam_per_target_layer: np.ndarray) -> np.ndarray:
                return cam_per_target_layer

        return Raw

    class Ablation(AblationLayer):
        """Sets a map's channel to 0, as in the paper; theirs sets it to -1e7 in layers that can be negative."""

        def __init__(self, reshape: Any):
            super().__init__()
            self.reshape = reshape

        def forward(self, *_: Any, **__: Any) -> torch.Tensor:
            output = self.activations
            by_channel = output if self.reshape is None else self.reshape(output)  # a view
            for row, channel in enumerate(self.indices[: len(output)]):
                by_channel[row, channel] = 0
            return output

        __call__ = forward

        def set_next_batch(
            self, input_batch_index: int, activations: torch.Tensor, num_channels_to_ablate: int
        ) -> None:
            self.activations = torch.stack([activations[input_batch_index]] * num_channels_to_ablate)

    return SimpleNamespace(
        raw={name: raw(getattr(pytorch_grad_cam, theirs)) for name, theirs in METHODS.items()},
        target=ClassifierOutputTarget,
        ablation_layer=Ablation,
        replace=replace_layer_recursive,
    )
