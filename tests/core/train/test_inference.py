import numpy as np
import pytest
import torch

from core.train.inference import embed, views

X = np.random.default_rng(0).normal(size=(7, 3, 24, 24)).astype(np.float32)


def test_batches_do_not_change_the_answers(network):
    whole, parts = embed(network, X, "cpu", 7), embed(network, X, "cpu", 2)
    assert whole.embeddings.shape == (7, network.n_features) and whole.logits.shape == (7, 2)
    assert np.allclose(whole.embeddings, parts.embeddings, atol=1e-5)
    assert np.allclose(whole.logits, parts.logits, atol=1e-5)


def test_probabilities_are_the_softmax(network):
    found = embed(network, X, "cpu", 4)
    expected = torch.from_numpy(found.logits).softmax(1)[:, 1].numpy()
    assert np.allclose(found.probs, expected, atol=1e-6)


def test_a_patch_is_seen_in_its_eight_symmetries_once_each():
    patch = torch.arange(9.0).reshape(1, 1, 3, 3)
    found = [view.flatten().tolist() for view in views(patch)]
    turned = [torch.rot90(patch, k, (-2, -1)) for k in range(4)]
    expected = [view.flatten().tolist() for t in turned for view in (t, t.flip(-1))]
    assert found[0] == patch.flatten().tolist()
    assert sorted(found) == sorted(expected) and len({tuple(f) for f in found}) == 8
    assert len(list(views(torch.zeros(1, 1, 2, 3)))) == 4


def test_averaged_answers_do_not_depend_on_how_a_patch_lies(network):
    turned = np.ascontiguousarray(np.rot90(X, axes=(2, 3))[..., ::-1])
    one, two = embed(network, X, "cpu", 4, tta=True), embed(network, turned, "cpu", 4, tta=True)
    assert np.allclose(one.embeddings, two.embeddings, atol=1e-5)
    assert not np.allclose(
        embed(network, X, "cpu", 4).embeddings, embed(network, turned, "cpu", 4).embeddings, atol=1e-5
    )


def test_averaged_logits_are_those_of_the_averaged_embedding(network):
    found = embed(network, X, "cpu", 4, tta=True)
    with torch.inference_mode():
        expected = network.eval().classify(torch.from_numpy(found.embeddings)).numpy()
        each = torch.stack([network(view) for view in views(torch.from_numpy(X))]).mean(0).numpy()
    assert np.allclose(found.logits, expected, atol=1e-5)
    assert np.allclose(found.logits, each, atol=1e-5)


@pytest.mark.parametrize("training", [True, False])
def test_the_network_keeps_its_state(network, training):
    network.train(training)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    embed(network, X, "cpu", 4, tta=True)
    assert network.training is training
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_no_patch_gives_no_rows(network):
    found = embed(network, X[:0], "cpu", 4)
    assert (
        found.embeddings.shape == (0, network.n_features) and found.logits.shape == (0, 2) and found.probs.shape == (0,)
    )


def test_bfloat16_answers_are_close_and_come_as_float32(network):
    exact, rough = embed(network, X, "cpu", 4), embed(network, X, "cpu", 4, precision="bfloat16")
    assert rough.embeddings.dtype == np.float32
    assert np.allclose(exact.embeddings, rough.embeddings, atol=0.05, rtol=0.05)
