"""Batch normalisation's running means and variances, measured again for the final weights.

While a network trains, its running statistics lag behind its weights (more so behind averaged weights) and see mixed
patches that it never meets in use. ``torch.optim.swa_utils.update_bn`` does not fit: it puts the whole model into
training mode, so that dropout and stochastic depth are active while the statistics are measured. Here only batch
normalisation is, and no weight changes.
"""

from __future__ import annotations

from collections.abc import Container

import numpy as np
import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from core.train.batches import Batches


@torch.no_grad()
def update_bn(network: nn.Module, data: Batches, batch_size: int, frozen: Container[str] = ()) -> nn.Module:
    """``network`` in evaluation mode, its running statistics the mean over one pass of ``data`` (Wu and Johnson, 2021).

    frozen: names of batch normalisation that is not touched. Networks without any other come back as they were.
    """
    network.eval()
    norms = [
        module
        for name, module in network.named_modules()
        if isinstance(module, _BatchNorm) and module.track_running_stats and name not in frozen
    ]
    if not norms:
        return network
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # torch's word for a plain mean over the batches
        norm.train()
    # Nearly equal parts in the order of the data spread over the whole: each batch holds some of everything.
    n_batches = max(1, min(-(-len(data) // batch_size), len(data) // 2))
    for i in range(n_batches):
        images, _ = data.take(np.arange(i, len(data), n_batches))
        network(images)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    return network.eval()
