"""What pytorch-grad-cam gives through our layer, conversion and care, against itself and against our batched maps."""

import numpy as np
import pytest
import torch

from core.config import ModelConfig
from core.data.bands import RGB_BANDS
from core.errors import ConfigError
from core.explain.cam import gradcam, library
from core.train.networks.backbones import build_network

peer = pytest.importorskip("pytorch_grad_cam")


def network(backbone="test_resnet", side=32, **arguments):
    model = ModelConfig(backbone=backbone, pretrained=False, arguments=arguments)
    return build_network(model, RGB_BANDS, (side, side), 0)[0].eval()


def patches(n, side=32):
    return np.random.default_rng(0).normal(size=(n, 3, side, side)).astype(np.float32)


def scaled(maps):
    from pytorch_grad_cam.utils.image import scale_cam_image

    return scale_cam_image(maps)


@pytest.mark.parametrize("target", [0, 1])
@pytest.mark.parametrize("method", gradcam.METHODS)
def test_our_batches_equal_the_library_one_by_one(method, target):
    model, images = network(), patches(4)
    ours, layer = gradcam.gradcam(model, images, min_map=4, target=target, method=method, batch_size=3)
    theirs = np.stack([library.library_cam(model, one, method, min_map=4, target=target)[0] for one in images])
    assert layer == "backbone.layer3.0" or layer.startswith("backbone.layer")
    assert ours.max() > 0
    np.testing.assert_allclose(ours, theirs, atol=1e-4 * ours.max())


@pytest.mark.parametrize("method", ["eigencam", "scorecam"])
def test_raw_maps_are_the_librarys_before_its_scaling(method):
    from pytorch_grad_cam.utils.image import scale_cam_image
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    model, image = network(), patches(1)[0]
    found, _ = library.library_cam(model, image, method, min_map=4)
    _, module, reshape = model.cam_layer(4)
    cam = getattr(peer, library.METHODS[method])(model, [module], reshape)
    expected = cam(torch.as_tensor(image)[None], [ClassifierOutputTarget(1)])[0]
    drawn = scaled(scale_cam_image(found[None], (32, 32)))[0]
    turned = library.METHODS[method] == "EigenCAM" and not np.allclose(drawn, expected, atol=1e-3)
    if turned:  # the sign of a principal component is arbitrary: ours is the other one
        assert np.corrcoef(drawn.ravel(), expected.ravel())[0, 1] < 0
    else:
        np.testing.assert_allclose(drawn, expected, atol=1e-4)


@pytest.mark.parametrize(
    ("backbone", "side"), [("test_resnet", 32), ("test_vit", 64), ("swin_tiny_patch4_window7_224", 64)]
)
def test_ablation_is_the_drop_of_the_logit_without_each_channel(backbone, side):
    small = {"embed_dim": 12, "depths": (1, 1, 1, 1), "num_heads": (1, 1, 2, 2)} if "swin" in backbone else {}
    model, image = network(backbone, side, **small), patches(1, side)[0]
    found, name = library.library_cam(model, image, "ablationcam", min_map=4)
    module, reshape = model.get_submodule(name), model.cam_layer(4)[2]
    batch, seen = torch.as_tensor(image)[None], []
    with torch.no_grad():
        before = model(batch)[0, 1]
        handle = module.register_forward_hook(lambda *parts: seen.append(parts[-1].clone()))
        model(batch)
        handle.remove()
        activation = reshape(seen[0])[0]
        drops = torch.stack([before - without(model, module, reshape, batch, k) for k in range(len(activation))])
    expected = torch.relu(torch.einsum("k,khw->hw", drops, activation)).numpy()
    np.testing.assert_allclose(found, expected, atol=2e-4 * expected.max())
    assert model.get_submodule(name) is module


def without(model, module, reshape, batch, channel):
    def drop(_module, _inputs, output):
        output = output.clone()
        reshape(output)[:, channel] = 0  # a view of the output
        return output

    handle = module.register_forward_hook(drop)
    try:
        return model(batch)[0, 1]
    finally:
        handle.remove()


def test_the_predicted_class_may_be_explained():
    model, image = network(), patches(1)[0]
    with torch.no_grad():
        column = int(model(torch.as_tensor(image)[None])[0].argmax())
    for method in ("gradcam", "scorecam"):
        found = library.library_cam(model, image, method, target="predicted", min_map=4)[0]
        np.testing.assert_array_equal(found, library.library_cam(model, image, method, target=column, min_map=4)[0])


def test_a_failure_in_the_middle_leaves_the_network_whole(monkeypatch):
    model, image = network(), patches(1)[0]
    name, module, _ = model.cam_layer(4)
    from pytorch_grad_cam.ablation_layer import AblationLayer

    def stop(*_):
        raise IndexError("in the middle")

    monkeypatch.setattr(AblationLayer, "activations_to_be_ablated", stop)
    with pytest.raises(IndexError, match="in the middle"):
        library.library_cam(model, image, "ablationcam", min_map=4)
    assert model.get_submodule(name) is module and not module._forward_hooks
    assert all(parameter.requires_grad for parameter in model.parameters())


def test_progress_bars_stay_out_of_the_log(capfd):
    library.library_cam(network(), patches(1)[0], "scorecam", min_map=4)
    assert capfd.readouterr() == ("", "")


def test_score_cam_is_refused_where_its_copies_would_not_fit(monkeypatch):
    monkeypatch.setattr(library, "MASKED_BYTES", 10_000)
    with pytest.raises(ConfigError, match="copies of this patch"):
        library.library_cam(network(), patches(1)[0], "scorecam", min_map=4)


def test_an_unknown_method_is_named_with_those_there_are():
    with pytest.raises(ConfigError, match="eigencam"):
        library.library_cam(network(), patches(1)[0], "magic")
    with pytest.raises(ConfigError, match="layercam"):
        gradcam.gradcam(network(), patches(1), method="scorecam")
