import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from skimage.metrics import structural_similarity

from core.errors import FormatError
from core.smote.ssim import BLOCK, pairwise_ssim

ROOT = Path(__file__).parents[3]


def _oracle(images, data_range):
    """scikit-image, band by band in float64, every pair."""
    images = images.astype(np.float64)
    ranges = np.broadcast_to(data_range, images.shape[1])
    n = len(images)
    out = np.ones((n, n))
    for i in range(n):
        for j in range(i):
            bands = zip(images[i], images[j], ranges, strict=True)
            out[i, j] = out[j, i] = np.mean([structural_similarity(x, y, data_range=r) for x, y, r in bands])
    return out


def _random(n=5, bands=3, height=20, width=23, seed=0):
    return np.random.default_rng(seed).normal(size=(n, bands, height, width)).astype(np.float32)


def test_equals_scikit_image_on_random_patches_in_more_than_one_block():
    images = _random(n=2 * BLOCK + 3, bands=2, height=16, width=30)
    assert np.abs(pairwise_ssim(images, 6.0) - _oracle(images, 6.0)).max() < 1e-5


def test_equals_scikit_image_with_its_own_channel_axis():
    a, b = _random(n=2, bands=12, height=64, width=64)
    expected = structural_similarity(a, b, channel_axis=0, data_range=6.0)
    assert pairwise_ssim(np.stack([a, b]), 6.0)[0, 1] == pytest.approx(expected, abs=1e-5)


def test_equals_scikit_image_on_related_smooth_and_spiky_patches():
    smooth = np.cumsum(np.cumsum(_random(height=32, width=32), axis=2), axis=3) / 30
    smooth[:, :, 5, 7] = 40.0  # a cloud's edge: one pixel far outside
    images = np.concatenate([smooth, smooth + 0.1 * _random(height=32, width=32, seed=1)])
    assert np.abs(pairwise_ssim(images, 6.0) - _oracle(images, 6.0)).max() < 1e-4


def test_equals_scikit_image_on_raw_units_far_from_zero():
    images = 10_000 + 3 * _random()
    assert np.abs(pairwise_ssim(images, 20.0) - _oracle(images, 20.0)).max() < 1e-4


def test_constant_patches_follow_the_formula_by_hand():
    images = np.stack([np.full((1, 9, 9), value, np.float32) for value in (0.0, 1.0, 1.0)])
    c1 = (0.01 * 6) ** 2  # without variance the second factor is C2 / C2
    ssim = pairwise_ssim(images, 6.0)
    assert ssim[0, 1] == pytest.approx(c1 / (1 + c1), abs=1e-6)
    assert ssim[1, 2] == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize("shape", [(7, 7), (7, 40), (40, 7), (8, 9)])
def test_smallest_and_oblong_patches_equal_scikit_image(shape):
    images = _random(3, 2, *shape)
    assert np.abs(pairwise_ssim(images, 6.0) - _oracle(images, 6.0)).max() < 1e-5


def test_each_band_has_its_own_data_range():
    images = _random(bands=2) * np.array([1.0, 1000.0], np.float32)[:, None, None]
    assert np.abs(pairwise_ssim(images, [6.0, 6000.0]) - _oracle(images, [6.0, 6000.0])).max() < 1e-5
    assert np.abs(pairwise_ssim(images, [6.0, 6000.0]) - pairwise_ssim(images, 6.0)).max() > 1e-3


def test_is_symmetric_has_ones_on_the_diagonal_and_leaves_its_input_alone():
    images = _random()
    before = images.copy()
    ssim = pairwise_ssim(images, 6.0)
    assert ssim.dtype == np.float32 and ssim.shape == (5, 5)
    assert np.array_equal(ssim, ssim.T) and (np.diag(ssim) == 1).all()
    assert np.array_equal(images, before)


def test_opposite_texture_on_the_same_brightness_is_dissimilar():
    texture = _random(n=1)[0]
    assert pairwise_ssim(np.stack([20 + texture, 20 - texture]), 6.0)[0, 1] < -0.8


def test_equals_scikit_image_on_real_patches():
    folder = os.environ.get("LANDSLIDE_REAL_DATA")
    if not folder:
        pytest.skip("LANDSLIDE_REAL_DATA is not set: no real patches to compare on")
    files = sorted((Path(folder) / "chittagong-s2-4band" / "patches64").glob("*.npy"))[:6]
    raw = np.stack([np.load(file).transpose(2, 0, 1) for file in files])
    images = (raw - raw.mean((0, 2, 3), keepdims=True)) / raw.std((0, 2, 3), keepdims=True)
    assert np.abs(pairwise_ssim(images, 6.0) - _oracle(images.astype(np.float32), 6.0)).max() < 1e-4


def test_one_patch_is_like_itself():
    assert pairwise_ssim(_random(n=1), 6.0).tolist() == [[1.0]]


@pytest.mark.parametrize(
    ("images", "data_range", "words"),
    [
        (np.zeros((3, 9, 9)), 6.0, r"\(N, C, H, W\)"),
        (np.zeros((0, 3, 9, 9)), 6.0, "at least one patch"),
        (np.zeros((2, 0, 9, 9)), 6.0, "at least one band"),
        (np.zeros((2, 3, 6, 9)), 6.0, "7 x 7"),
        (np.zeros((2, 3, 9, 6)), 6.0, "7 x 7"),
        (np.full((2, 3, 9, 9), np.nan), 6.0, "2 of 2 patches hold NaN"),
        (np.full((2, 3, 9, 9), np.inf), 6.0, "infinite"),
        (np.zeros((2, 3, 9, 9), complex), 6.0, "numbers"),
        (np.zeros((2, 3, 9, 9)), [6.0, 6.0], "each of the 3 bands"),
        (np.zeros((2, 3, 9, 9)), 0.0, "positive"),
        (np.zeros((2, 3, 9, 9)), [1.0, np.nan, 1.0], "positive"),
    ],
)
def test_what_cannot_be_compared_is_refused_in_words(images, data_range, words):
    with pytest.raises(FormatError, match=words):
        pairwise_ssim(images, data_range)


def _python(code, **environment):
    result = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        cwd="/",
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_importing_core_and_the_resampler_loads_no_numba():
    code = "import sys, core, core.smote, core.smote.resample; print('numba' in sys.modules, 'skimage' in sys.modules)"
    assert _python(code) == "False False\n"


def test_works_where_no_folder_for_compiled_code_can_be_written():
    code = (
        "import os, tempfile, numba, numpy as np\n"
        "def refuse(*args, **kwargs): raise OSError('read-only')\n"
        "os.makedirs = tempfile.TemporaryFile = refuse\n"  # how numba tries whether it may write; root always may
        "from core.smote.ssim import pairwise_ssim\n"
        "print(pairwise_ssim(np.zeros((2, 1, 9, 9)), 6.0).tolist())"
    )
    assert _python(code) == "[[1.0, 1.0], [1.0, 1.0]]\n"


@pytest.mark.slow
def test_the_process_that_compiles_and_those_that_load_from_disk_give_the_same_bits(tmp_path):
    code = (
        "import hashlib, numpy as np; from core.smote.ssim import pairwise_ssim\n"
        "images = np.random.default_rng(0).normal(size=(40, 3, 32, 32)).astype(np.float32)\n"
        "print(hashlib.sha256(pairwise_ssim(images, 6.0).tobytes()).hexdigest())"
    )
    first, second = (_python(code, NUMBA_CACHE_DIR=str(tmp_path)) for _ in range(2))
    assert first == second
