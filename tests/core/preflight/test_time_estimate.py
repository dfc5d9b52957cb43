"""The sentences of an estimate, for every way a run can lie in memory."""

import json
from dataclasses import replace

import pytest

from core.preflight.time_estimate import TimeEstimate, size_text

GIB = 2**30
ON_CPU = TimeEstimate(
    device="cpu", precision="float32", steps_measured=8, seconds_per_step=0.5, images_per_second=32.0,
    steps_per_epoch=10, seconds_per_epoch=6.0, epochs=20, folds=5, n_train=1200, n_synthetic=300,
    seconds={"training": 600.0, "maps": 60.0}, measured_parts=("training",), process_bytes=2 * GIB,
    process_free_bytes=8 * GIB, device_bytes=None, device_free_bytes=None, data_bytes=GIB, placement="device", pieces=1,
    disk_bytes=100 * 2**20, disk_free_bytes=50 * GIB,
)  # fmt: skip


def test_a_run_on_a_cpu_is_described_without_a_device():
    text = " ".join(ON_CPU.sentences())
    assert ON_CPU.fits and ON_CPU.total_seconds == 660 and "5 folds of 20 epochs: about 11 min" in text
    assert "1,200 patches and 300 synthetic ones" in text and "Memory: about 2.0 GiB of 8.0 GiB free." in text
    assert "Device memory" not in text and "does not fit" not in text


@pytest.mark.parametrize(("placement", "words"), [("device", "fit on it."), ("streamed", "are streamed.")])
def test_where_the_patches_lie_on_a_device_is_said(placement, words):
    on_gpu = replace(ON_CPU, device_bytes=4 * GIB, device_free_bytes=16 * GIB, placement=placement)
    assert any(line.startswith("Device memory: about 4.0 GiB") and line.endswith(words) for line in on_gpu.sentences())


@pytest.mark.parametrize(
    "more", [{"process_bytes": 9 * GIB}, {"disk_bytes": 51 * GIB}, {"device_bytes": 2, "device_free_bytes": 1}]
)
def test_what_does_not_fit_is_the_last_sentence(more):
    too_large = replace(ON_CPU, **more)
    assert not too_large.fits and too_large.sentences()[-1].startswith("This run does not fit.")


def test_a_batch_in_pieces_is_said():
    assert "split into 3 pieces" in " ".join(replace(ON_CPU, pieces=3).sentences())


def test_plain_values_give_it_back():
    assert TimeEstimate.of_dict(json.loads(json.dumps(ON_CPU.to_dict()))) == ON_CPU


def test_sizes_are_in_the_unit_that_suits():
    assert (size_text(512 * 2**20), size_text(3 * GIB // 2)) == ("512 MiB", "1.5 GiB")
