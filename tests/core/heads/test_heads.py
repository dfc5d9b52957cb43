import json

import numpy as np
import pytest

from core.errors import RunError, UnsafeFileError
from core.heads import LinearHead, load_heads, save_heads
from core.heads.baselines import BASELINES, fit_baseline
from core.heads.svm import fit_svm

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(40, 5)), np.arange(40) % 2


@pytest.fixture
def folder(tmp_path):
    fc = LinearHead("fc", np.zeros(5), np.ones(5), RNG.normal(size=5), np.asarray(0.3))
    heads = [fc, fit_svm(X, Y, 0.1), fit_svm(X, Y, 1.0), *(fit_baseline(name, X, Y) for name in BASELINES)]
    save_heads(tmp_path / "heads", heads)
    return tmp_path / "heads", {head.name: head for head in heads}


def test_heads_come_back_with_the_same_decisions(folder):
    path, heads = folder
    back = load_heads(path)
    assert set(back) == {"fc", "svm_c0.1", "svm_c1", *BASELINES}
    for name, head in heads.items():
        assert np.array_equal(back[name].decision(X), head.decision(X))


def test_equal_heads_are_equal_bytes(folder, tmp_path):
    path, _ = folder
    save_heads(tmp_path / "again", load_heads(path).values())
    for file in path.iterdir():
        assert (tmp_path / "again" / file.name).read_bytes() == file.read_bytes()


def test_files_are_cards_arrays_and_model_text_only(folder):
    assert {file.suffix for file in folder[0].iterdir()} == {".json", ".safetensors", ".txt"}


def test_an_empty_folder_says_that_there_are_none(tmp_path):
    with pytest.raises(RunError, match="no heads"):
        load_heads(tmp_path)


def test_a_flipped_byte_is_seen(folder):
    file = folder[0] / "svm_c1.safetensors"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    with pytest.raises(RunError, match="svm_c1.safetensors is missing or not the file"):
        load_heads(folder[0])


@pytest.mark.parametrize("text", ["", "[]", '{"name": "fc"}'])
def test_a_damaged_card_is_named(folder, text):
    (folder[0] / "fc.json").write_text(text)
    with pytest.raises(RunError, match=r"fc\.json"):
        load_heads(folder[0])


@pytest.mark.parametrize(
    ("kind", "complaint"), [("forest", "is of kind 'forest'"), ("svm", "are not those of kind 'svm'")]
)
def test_an_unknown_or_wrong_kind_is_refused(folder, kind, complaint):
    card = json.loads((folder[0] / "fc.json").read_text())
    (folder[0] / "fc.json").write_text(json.dumps({**card, "kind": kind}))
    with pytest.raises(RunError, match=complaint):
        load_heads(folder[0])


@pytest.mark.fault(25)
def test_a_pickle_in_place_of_arrays_is_refused(folder):
    import pickle

    from core.io import atomic

    file = folder[0] / "fc.safetensors"
    file.write_bytes(pickle.dumps({"weight": X}))
    card = json.loads((folder[0] / "fc.json").read_text())
    (folder[0] / "fc.json").write_text(json.dumps({**card, "sha256": atomic.sha256(file)}))
    with pytest.raises(UnsafeFileError, match="fc.safetensors was refused"):
        load_heads(folder[0])


def test_a_card_that_names_another_head_is_refused(folder):
    card = folder[0] / "fc.json"
    card.write_text(json.dumps(json.loads(card.read_text()) | {"name": "other"}))
    with pytest.raises(RunError, match=f"{card.name} names another head .'other'."):
        load_heads(folder[0])
