"""One fold trained by several workers in step, through Ray Train: a task that begins them and passes on what they say.

Every worker does the whole part, on the same random numbers; ``core.train.data_parallel`` shares out the batches. The
first one writes into the run folder, the others into a copy of their own that is thrown away. A lost worker makes all
begin again from the newest checkpoint.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from core.jobs.executors import part_worker

POLL_S = 1.0


def do(work: str, arguments: str, needs: tuple[str, ...], wanted: Mapping[str, str], asked: dict) -> Iterator[str]:
    """As ``part_worker.do``. asked: workers, cpus, gpus, retries, environment."""
    import ray
    from ray.util.queue import Empty, Queue

    lines = Queue(actor_options={"num_cpus": 0})
    environment = {"env_vars": asked["environment"]}
    fit = ray.remote(_fit).options(num_cpus=0, max_retries=0, runtime_env=environment)
    fitted = fit.remote([work, arguments, list(needs), dict(wanted)], asked, lines)
    while True:
        over = bool(ray.wait([fitted], timeout=0)[0])
        try:
            yield lines.get(timeout=None if over and not lines.empty() else POLL_S)
        except Empty:
            if over:
                break
    failure = ray.get(fitted)
    lines.shutdown()
    if failure:
        yield json.dumps({"fault": failure})


def _fit(part: list, asked: dict, lines: Any) -> str:
    """Begin the workers and wait for them; why they could not go on, or nothing."""
    from ray.train import FailureConfig, RunConfig, ScalingConfig
    from ray.train.torch import TorchConfig, TorchTrainer

    resources = {"CPU": asked["cpus"]} | ({"GPU": asked["gpus"]} if asked["gpus"] else {})
    with tempfile.TemporaryDirectory(prefix="ll-train-", ignore_cleanup_errors=True) as folder:
        trainer = TorchTrainer(
            _worker,
            train_loop_config={"part": part, "lines": lines},
            scaling_config=ScalingConfig(
                num_workers=asked["workers"], use_gpu=bool(asked["gpus"]), resources_per_worker=resources
            ),
            torch_config=TorchConfig(backend="nccl" if asked["gpus"] else "gloo"),
            run_config=RunConfig(
                name="fold", storage_path=folder, failure_config=FailureConfig(max_failures=asked["retries"])
            ),
        )
        try:
            trainer.fit()
        except Exception as error:
            return f"Its workers could not go on together.\n{type(error).__name__}: {error}"
    return ""


def _worker(config: dict) -> None:
    """The whole part, by one of several; the first one tells and writes."""
    import torch
    from ray.train import get_context

    work, arguments, needs, wanted = config["part"]
    rank, said = get_context().get_world_rank(), json.loads(arguments)
    with tempfile.TemporaryDirectory(prefix="ll-rank-", ignore_cleanup_errors=True) as folder:
        if rank:
            said["run"] = str(shutil.copytree(said["run"], Path(folder) / Path(said["run"]).name))
        torch.distributed.barrier()  # nobody writes before all have a copy of what was there
        needs = (*needs, said["run"])
        for line in part_worker.do(work, json.dumps(said), tuple(needs), wanted):
            if rank == 0:
                config["lines"].put(line)
            if "fault" in json.loads(line):
                raise RuntimeError(line)
