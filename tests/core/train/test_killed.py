"""FAULTS 1: a fit whose process is killed, as by `kill -9`, at any moment ends with the bits of an unbroken one."""

import os
import subprocess
import sys

import pytest

SEEDS = 20

# One process that forks a child a seed: loading torch twenty times would take a minute. Children start before any
# thread does (torch is kept to one), and are killed from outside, wherever they are.
KILLED_AT_A_RANDOM_MOMENT = """
import os, random, signal, sys, time
from pathlib import Path

import torch

torch.set_num_threads(1)

import numpy as np

from core.config import RunConfig
from core.data.bands import RGB_BANDS
from core.train.networks.backbones import build_network
from core.train.loop import fit

root, seeds = Path(sys.argv[1]), int(sys.argv[2])
settings = ["model.backbone=test_resnet", "model.pretrained=false", "train.epochs=4", "train.batch_size=8",
            "train.optimizer=adamw", "train.ema_decay=0.9", "model.drop_rate=0.2", "device=cpu"]
config = RunConfig().with_overrides(settings)
rng = np.random.default_rng(0)
x, y = rng.normal(size=(24, 3, 24, 24)).astype(np.float32), np.arange(24) % 2


def train(folder):
    network = build_network(config.model, RGB_BANDS, (24, 24), 0)[0]
    epochs = [result.epoch for result in fit(network, x, y, x, y, config, "cpu", 0, folder)]
    return network, epochs


began = time.monotonic()
whole, _ = train(root / "whole")
took = time.monotonic() - began
for seed in range(seeds):
    folder, draw = root / f"seed{seed}", random.Random(seed)
    child = os.fork()
    if child == 0:
        train(folder)
        os._exit(0)
    time.sleep(draw.uniform(0.0, took))
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    again, epochs = train(folder)
    if epochs:
        assert epochs == list(range(epochs[0], 5)), epochs  # none is left out, none is counted twice
    for name, value in whole.state_dict().items():
        assert torch.equal(value, again.state_dict()[name]), (seed, epochs, name)
    print(4 - len(epochs))  # epochs that the child had done
"""


@pytest.mark.fault(1)
@pytest.mark.slow
def test_killed_at_twenty_random_moments_the_bits_are_those_of_an_unbroken_fit(tmp_path):
    command = [sys.executable, "-c", KILLED_AT_A_RANDOM_MOMENT, str(tmp_path), str(SEEDS)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, env={**os.environ, "PYTHONPATH": "."})
    assert done.returncode == 0, done.stderr
    had_done = done.stdout.split()
    assert len(had_done) == SEEDS and len(set(had_done)) >= 3, "the moments must fall into different epochs"
