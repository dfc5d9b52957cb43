"""A run's weights as one safetensors file with its model card inside, and the card for people beside it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import ConfigError
from core.heads.base import ArrayHead, Head
from core.heads.blend import members_of
from core.io.atomic import make_folder, replacing, write_text
from core.predict.export.card import markdown
from core.predict.patches import Ensemble
from core.runs.plain_files import to_json_value


def _arrays(head: Head) -> dict[str, np.ndarray]:
    if not isinstance(head, ArrayHead):
        raise ConfigError(
            f"The head '{head.name}' is no set of arrays and does not fit this file. Choose another head."
        )
    return head.arrays()


def export_safetensors(ensemble: Ensemble, card: dict[str, Any], out: Path) -> tuple[int, Path]:
    """Write every array of the folds' models; returns how many there are, and the path of the card for people.

    Names: ``fold_k.network.*``, ``fold_k.normaliser.{center,scale}``, ``fold_k.head.NAME.*``. The card, with the
    settings of the network and each fold's calibration, is the file's metadata ``card``.
    """
    from safetensors.numpy import save_file

    members = members_of([card["head"]])
    for name in members:
        _arrays(ensemble.models[0].heads[name])
    arrays: dict[str, np.ndarray] = {}
    for model in ensemble.models:
        own = {f"network.{name}": t.detach().cpu().numpy() for name, t in model.network.state_dict().items()}
        own |= {"normaliser.center": model.normaliser.center_, "normaliser.scale": model.normaliser.scale_}
        for name in members:
            own |= {f"head.{name}.{key}": value for key, value in _arrays(model.heads[name]).items()}
        arrays |= {f"fold_{model.fold}.{name}": np.array(value, order="C") for name, value in own.items()}
    rules = {name: ensemble.rules[name].to_dict() for name in {*members, card["head"]} if name in ensemble.rules}
    network = ensemble.models[0].network.model.model_dump(mode="json")
    network |= {"weights": None, "sar_weights": None} if "weights" in network else {}  # places on this machine
    whole = to_json_value(card | {"rules": rules, "network": network})
    make_folder(out.parent)
    with replacing(out) as partial:
        partial.touch()
        mode = partial.stat().st_mode
        save_file(arrays, partial, metadata={"card": json.dumps(whole, ensure_ascii=False, sort_keys=True)})
        partial.chmod(mode)
    beside = out.with_suffix(".md")
    write_text(beside, markdown(card))
    return len(arrays), beside
