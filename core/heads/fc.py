"""The FC head: the network's own last layer, as arrays.

Any network with a ``classifier`` of weight (2, D) and bias (2,) gives a linear head whose decision is the logit of
landslide minus the other.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from core.heads.base import LinearHead

NAME = "fc"


def fc_head(network: Any) -> LinearHead:
    """The head of ``network``: decision = logit difference, so that its softmax is 1 / (1 + exp(-decision))."""
    weight = network.classifier.weight.detach().cpu().numpy().astype(np.float64)  # (2, D)
    bias = network.classifier.bias.detach().cpu().numpy().astype(np.float64)  # (2,)
    features = weight.shape[1]
    return LinearHead(NAME, np.zeros(features), np.ones(features), weight[1] - weight[0], np.asarray(bias[1] - bias[0]))
