import numpy as np
import torch

from core.config import ModelConfig
from core.data.bands import RGB_BANDS
from core.heads.fc import fc_head
from core.train.networks.backbones import build_network


def test_the_decision_is_the_networks_logit_difference():
    model = ModelConfig(backbone="test_resnet", pretrained=False, statistics_branch=True, drop_rate=0.5)
    network = build_network(model, RGB_BANDS, (24, 24), 0)[0].eval()
    embeddings = torch.randn(20, network.n_features)
    logits = network.classify(embeddings).detach().numpy()
    found = fc_head(network).decision(embeddings.numpy())
    assert fc_head(network).name == "fc" and found.dtype == np.float64
    assert np.allclose(found, logits[:, 1] - logits[:, 0], atol=1e-5)
