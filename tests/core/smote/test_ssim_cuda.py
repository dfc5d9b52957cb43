"""The Triton kernel: on a CUDA device, or by triton's interpreter where there is only triton, on tiny patches."""

import os
from importlib.util import find_spec

import numpy as np
import pytest
import torch
from skimage.metrics import structural_similarity

from core.errors import FormatError
from core.smote import ssim_cuda
from core.smote.ssim import pairwise_ssim
from core.smote.ssim_terms import ranges_of
from core.smote.topk import nearest_patches

CUDA = torch.cuda.is_available()
if not CUDA and find_spec("triton"):
    os.environ["TRITON_INTERPRET"] = "1"  # read when triton is imported, and at every call
on_a_gpu = pytest.mark.skipif(not CUDA, reason="no CUDA device")


@pytest.fixture
def kernel(monkeypatch):
    pytest.importorskip("triton", reason="triton is not installed: it comes with CUDA builds of torch")
    from core.smote import ssim_triton

    if not CUDA:
        monkeypatch.setattr(ssim_triton, "PLAN", ssim_triton.Plan(2, 32, 1, 4, True))
    return ssim_triton


@pytest.fixture
def device(kernel):
    return torch.device("cuda" if CUDA else "cpu")


def _patches(n=5, bands=2, height=9, width=11, seed=0):
    """Random ones, but for one that is constant and one with a pixel far outside."""
    images = np.random.default_rng(seed).normal(size=(n, bands, height, width)).astype(np.float32)
    images[1], images[2, :, 3, 4] = 0.5, 15.0
    return images


def _valid(images):
    valid = np.ones((len(images), *images.shape[2:]), bool)
    valid[0, :2], valid[2] = False, False
    return valid


@pytest.mark.parametrize(("x_block", "rows", "packed"), [(2, 4, True), (4, 2, False)])
@pytest.mark.parametrize("shape", [(9, 11), (7, 7), (8, 14)])
def test_equals_scikit_image_however_the_work_is_cut(kernel, device, x_block, rows, packed, shape):
    images, plan = _patches(3, 2, *shape), kernel.Plan(x_block, 32, 1, rows, packed)
    described = ssim_cuda.describe(images, ranges_of(images.shape, images.dtype, [6.0, 5.0]), None, device, plan)
    found = ssim_cuda.compare(described, described, plan).cpu().numpy()
    for i, j in ((0, 1), (0, 2), (1, 2)):
        bands = zip(*images[[i, j]].astype(np.float64), (6.0, 5.0), strict=True)
        expected = np.mean([structural_similarity(x, y, data_range=r) for x, y, r in bands])
        assert found[i, j] == pytest.approx(expected, abs=1e-5)
    assert not np.tril(found).any()


def test_tiles_make_the_matrix_of_the_cpu_with_and_without_nodata(device):
    images = _patches()
    for valid in (None, _valid(images)):
        found = ssim_cuda.all_pairs(images, 6.0, valid, device, tile=3)
        assert np.abs(found - pairwise_ssim(images, 6.0, valid)).max() < 1e-5
        assert np.array_equal(found, found.T) and (np.diag(found) == 1).all()


def test_neighbours_are_those_of_the_cpu_without_copies_and_without_common_pixels(device):
    images = _patches()
    images[4], copies, shares = images[0], np.array([0, 1, 2, 3, 0]), []
    for valid in (None, _valid(images)):
        given = {"valid": valid, "copies": copies, "device": device, "tile": 3, "progress": shares.append}
        index, found = ssim_cuda.nearest(images, 6.0, 2, **given)
        expected = nearest_patches(images, 6.0, 2, valid=valid, copies=copies)
        assert np.array_equal(index, expected.index) and found == pytest.approx(expected.ssim, abs=1e-5)
        assert shares == sorted(shares) and shares[-1] == 1.0
        shares.clear()


def test_any_numbers_come_in_and_what_cannot_be_compared_is_refused_in_words(device):
    raw = (10_000 + 3 * _patches(3, 1)).astype(np.uint16)
    expected = pairwise_ssim(raw, 60.0)
    assert np.abs(ssim_cuda.all_pairs(raw, 60.0, None, device) - expected).max() < 1e-4
    for bad in (np.nan, np.inf):
        images = _patches(3, 1)
        images[2, 0, 1, 1] = bad
        with pytest.raises(FormatError, match="1 of 3 patches hold NaN or infinite values, the first at position 2"):
            ssim_cuda.all_pairs(images, 6.0, None, device)
    with pytest.raises(FormatError, match="7 x 7"):
        ssim_cuda.all_pairs(np.zeros((2, 1, 6, 9)), 6.0, None, device)


def test_only_a_cuda_device_is_used():
    assert not ssim_cuda.usable(None) and not ssim_cuda.usable(torch.device("cpu")) and not ssim_cuda.usable("mps")
    images = _patches()
    assert np.array_equal(pairwise_ssim(images, 6.0, device="cpu"), pairwise_ssim(images, 6.0))


@on_a_gpu
@pytest.mark.parametrize("size", [(300, 12, 64, 64), (70, 3, 33, 40)])
def test_whole_patches_on_the_gpu_equal_the_cpu(size):
    images = _patches(*size)
    images[: size[0] // 2] = np.cumsum(np.cumsum(images[: size[0] // 2], axis=2), axis=3) / 20
    valid = np.random.default_rng(1).random((size[0], *size[2:])) > 0.001
    for known in (None, valid):
        on_gpu, on_cpu = pairwise_ssim(images, 6.0, known, "cuda"), pairwise_ssim(images, 6.0, known)
        assert np.abs(on_gpu - on_cpu).max() < 1e-5
        found = nearest_patches(images, 6.0, 5, valid=known, device="cuda", tile=64)
        assert found.ssim == pytest.approx(nearest_patches(images, 6.0, 5, valid=known).ssim, abs=1e-5)


@on_a_gpu
def test_the_gpu_gives_the_same_numbers_twice_and_keeps_to_its_memory():
    images = _patches(600, 12, 64, 64)
    torch.cuda.reset_peak_memory_stats()
    first = nearest_patches(images, 6.0, 5, device="cuda", tile=128)
    second = nearest_patches(images, 6.0, 5, device="cuda", tile=128)
    assert np.array_equal(first.index, second.index) and np.array_equal(first.ssim, second.ssim)
    assert torch.cuda.max_memory_allocated() < 2 * 2**30
