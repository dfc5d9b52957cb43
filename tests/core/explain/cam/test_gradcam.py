"""Grad-CAM's raw maps against pytorch-grad-cam and by hand."""

import numpy as np
import pytest
import torch
from torch import nn

from core.explain.cam.gradcam import gradcam, suited_method
from core.explain.cam.overlay import upsample_maps
from core.torchvision_guard import guard_torchvision

guard_torchvision()
timm = pytest.importorskip("timm")


class Tiny(nn.Module):
    """Three bands, two convolutions and a ReLU after the layer that is looked at.

    With an in-place ReLU pytorch-grad-cam pairs activations after it with gradients before it: no oracle there.
    """

    def __init__(self, inplace: bool = False):
        super().__init__()
        torch.manual_seed(0)
        self.first = nn.Conv2d(3, 4, 3, padding=1)
        self.layer = nn.Conv2d(4, 5, 3, stride=2, padding=1)
        self.relu = nn.ReLU(inplace)
        self.norm = nn.BatchNorm1d(5)
        self.head = nn.Linear(5, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.norm(self.relu(self.layer(self.first(x))).mean(dim=(2, 3))))

    def cam_layer(self, min_map: int):
        return "layer", self.layer, None


class Timm(nn.Module):
    """timm's smallest ResNet, looked at where a 64 px patch is still a 4 x 4 map."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.body = timm.create_model("test_resnet", num_classes=2, in_chans=3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.body(x)

    def cam_layer(self, min_map: int):
        return "layer3", self.body.layer3[-1], None


class Tokens(nn.Module):
    """A transformer's layout, (N, h * w, C), with the matching conversion."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.patches = nn.Conv2d(3, 4, 4, stride=4)
        self.norm = nn.LayerNorm(4)
        self.mix = nn.Linear(4, 4)
        self.head = nn.Linear(4, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        tokens = self.norm(self.patches(x).flatten(2).transpose(1, 2))
        return self.head(torch.tanh(self.mix(tokens)).mean(dim=1))

    def cam_layer(self, min_map: int):
        return "norm", self.norm, lambda t: t.transpose(1, 2).unflatten(2, (4, 4))


def patches(n: int, size: int = 16) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(n, 3, size, size)).astype(np.float32)


@pytest.mark.parametrize("make, size, target", [(Tiny, 16, 0), (Tiny, 16, 1), (Timm, 64, 1), (Tokens, 16, 1)])
def test_maps_equal_pytorch_grad_cam_after_its_scaling(make, size, target):
    peer = pytest.importorskip("pytorch_grad_cam")
    from pytorch_grad_cam.utils.image import scale_cam_image
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    network, images = make().eval(), patches(5, size)
    maps, _ = gradcam(network, images, target=target, batch_size=2)
    _, layer, reshape = network.cam_layer(8)
    with peer.GradCAM(network, [layer], reshape) as cam:
        expected = cam(torch.as_tensor(images), [ClassifierOutputTarget(target)] * 5)
    assert maps.max() > 0
    # It scales each map to 0-1, draws it at the patch's size, and scales that again.
    np.testing.assert_allclose(scale_cam_image(scale_cam_image(maps, (size, size))), expected, atol=1e-4)
    # Our drawing is the same as its (cv2's).
    np.testing.assert_allclose(scale_cam_image(upsample_maps(maps, (size, size))), expected, atol=1e-4)


@pytest.mark.parametrize("inplace", [False, True])
def test_map_is_the_formula_by_hand(inplace):
    network = Tiny(inplace).eval()
    with torch.no_grad():  # logit 1 = mean of channel 0's positive part, so every gradient of channel 0 is 1/64
        network.norm.eval()
        network.norm.eps = 0.0
        network.head.weight.zero_()
        network.head.weight[1, 0] = 1.0
    images = patches(2)
    maps, name = gradcam(network, images)
    with torch.no_grad():
        activation = network.layer(network.first(torch.as_tensor(images)))[:, 0].numpy()  # (2, 8, 8)
    share = (activation > 0).mean(axis=(1, 2), keepdims=True)  # ReLU passes no gradient below 0
    np.testing.assert_allclose(maps, np.maximum(share / 64 * activation, 0), rtol=1e-4, atol=1e-7)
    assert name == "layer" and maps.dtype == np.float32 and maps.shape == (2, 8, 8)


def test_maps_are_not_rescaled_and_do_not_depend_on_the_batch():
    network, images = Tiny().eval(), patches(7)
    one, _ = gradcam(network, images, batch_size=7)
    few, _ = gradcam(network, images, batch_size=3)
    np.testing.assert_allclose(one, few, rtol=1e-5, atol=1e-8)
    assert np.unique(one.max(axis=(1, 2)).round(6)).size > 1
    with torch.no_grad():
        network.head.weight.mul_(3.0)
    np.testing.assert_allclose(gradcam(network, images)[0], 3 * one, rtol=1e-4, atol=1e-7)


def test_network_is_left_as_it_was():
    network = Tiny().train()
    network.norm.eval()  # a frozen BatchNorm inside a training network
    network.first.weight.requires_grad_(False)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    with torch.no_grad():
        gradcam(network, patches(3))
    assert network.training and not network.norm.training
    assert not network.first.weight.requires_grad and network.layer.weight.requires_grad
    assert all(parameter.grad is None for parameter in network.parameters())
    assert not network.layer._forward_hooks
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())


def test_a_class_without_evidence_has_a_map_of_zeros():
    network = Tiny().eval()
    with torch.no_grad():
        network.head.weight[1].zero_()
    assert (gradcam(network, patches(2))[0] == 0).all()


def test_no_patches_give_no_maps():
    maps, name = gradcam(Tiny(), patches(0))
    assert len(maps) == 0 and name == "layer"


def test_the_predicted_class_is_each_patchs_own():
    network, images = Tiny().eval(), patches(8)
    with torch.no_grad():
        network.head.bias.copy_(torch.tensor([0.02, 0.0]))
        column = network(torch.as_tensor(images)).argmax(dim=1).numpy()
    both = np.stack([gradcam(network, images, target=k)[0] for k in (0, 1)])
    found, _ = gradcam(network, images, target="predicted", batch_size=3)
    np.testing.assert_allclose(found, both[column, np.arange(8)], rtol=1e-5, atol=1e-8)


def test_the_method_suits_the_layer():
    network = Tiny().eval()
    assert suited_method(network, patches(2)) == "gradcam"  # a convolution may be negative
    network.cam_layer = lambda min_map: ("relu", network.relu, None)
    assert suited_method(network, patches(2)) == "xgradcam"
    assert not network.relu._forward_hooks
