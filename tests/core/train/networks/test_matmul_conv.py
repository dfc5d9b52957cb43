import copy

import pytest
import timm
import torch
from torch import nn

from core.train.networks.encoders import make_encoder
from core.train.networks.matmul_conv import SMALL, PointwiseConv2d, use_products


@pytest.mark.parametrize("hw", [(1, 1), (1, 2), (2, 2), (3, 3)])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_it_convolves_and_learns_as_a_convolution_does(hw, bias, layout):
    torch.manual_seed(0)
    plain = nn.Conv2d(6, 10, 1, bias=bias).to(memory_format=layout)
    found, expected = use_products(copy.deepcopy(plain)), plain
    assert type(found) is PointwiseConv2d
    x = torch.randn(4, 6, *hw).contiguous(memory_format=layout)
    ours, theirs = (x.clone(memory_format=torch.preserve_format).requires_grad_() for _ in range(2))
    a, b = found(ours), expected(theirs)
    assert a.shape == b.shape and torch.allclose(a, b, atol=1e-6)
    back = torch.randn_like(b)
    a.backward(back)
    b.backward(back)
    assert torch.allclose(ours.grad, theirs.grad, atol=1e-5)
    for one, other in zip(found.parameters(), expected.parameters(), strict=True):
        assert torch.allclose(one.grad, other.grad, atol=1e-5)


def test_large_maps_are_left_to_the_convolution(monkeypatch):
    asked = []
    monkeypatch.setattr(torch.nn.functional, "linear", lambda *of: asked.append(of))
    use_products(nn.Conv2d(2, 2, 1))(torch.zeros(1, 2, SMALL, 2))
    assert not asked


@pytest.mark.parametrize(
    "layer",
    [
        nn.Conv2d(4, 4, 3, padding=1),
        nn.Conv2d(4, 4, 1, stride=2),
        nn.Conv2d(4, 4, 1, groups=2),
        nn.Conv2d(4, 4, 1, padding=1),
    ],
)
def test_other_convolutions_stay_what_they_are(layer):
    assert type(use_products(layer)) is nn.Conv2d


def test_an_encoder_answers_as_timms_and_keeps_its_names():
    torch.manual_seed(0)
    encoder, _ = make_encoder("mobilenetv4_conv_small", {}, 12, (64, 64))
    assert any(isinstance(module, PointwiseConv2d) for module in encoder.modules())
    theirs = timm.create_model("mobilenetv4_conv_small", in_chans=12, num_classes=0)
    theirs.load_state_dict(encoder.state_dict())
    x = torch.randn(3, 12, 64, 64)
    with torch.inference_mode():
        assert torch.allclose(encoder.eval()(x), theirs.eval()(x), atol=1e-4)  # kernels sum in other orders
