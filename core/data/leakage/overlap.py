"""How well two patches agree where they overlap: phase correlation finds the shift, fine detail decides.

What decides is ``detail``: the correlation of what remains after the mean of each 5 x 5 box is taken off, median over
bands. The same pixels share their texture and their sensor's noise; other places that merely look alike do not.

``DETAIL`` stands between what was measured. Shifted crops with noise and another brightness on simulated patches of 12
bands: 0.94 and more, the best of the wrong candidates 0.19. Overlapping crops of real 4-band patches: 0.99 and more,
wrong ones 0.15. On 2800 real pictures (3 bands, no overlaps known) the best of 3063 wrong candidates, two bright scars
of one shape, has 0.54; crops planted there have 0.83 and more with 5 % noise, 0.59 to 0.83 as JPEG of quality 75, and
of quality 50 a sixth of them falls below.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

BOX = 5  # px of the local mean that is taken off
DETAIL = 0.6  # correlation of fine detail from which two patches show the same pixels
SHARE = 0.8  # correlation of the patches as a whole that they need besides
WINDOW = 7  # px of SSIM's window, scikit-image's default
SSIM_RANGE = 1.82  # data range of bands scaled by q95 - q05, as SSIM-SMOTE uses it
CLIP = 10.0  # scaled values beyond it are absurd
C1, C2 = (0.01 * SSIM_RANGE) ** 2, (0.03 * SSIM_RANGE) ** 2


@dataclass(frozen=True)
class Agreement:
    """Two patches over their overlap: ``a[y + dy, x + dx]`` shows what ``b[y, x]`` shows.

    overlap: share of the patch, 0-1. detail, whole: correlations, median over bands. ssim: mean over bands.
    """

    dy: int
    dx: int
    overlap: float
    detail: float
    whole: float
    ssim: float

    @property
    def same(self) -> bool:
        """Whether both show the same pixels."""
        return self.detail >= DETAIL and self.whole >= SHARE


def scaled(images: np.ndarray, center: np.ndarray, scale: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Patches (N, C, H, W) per band about ``center`` in units of ``scale``, and what is there (N, C, H, W) bool.

    Values that are not finite become the band's mean of that patch: they then draw no edge.
    """
    there = np.isfinite(images)
    z = (images - center[:, None, None]) / scale[:, None, None]
    np.clip(z, -CLIP, CLIP, out=z)
    for k, band in np.argwhere(~there.all(axis=(2, 3))):
        known = there[k, band]
        z[k, band] = np.where(known, z[k, band], z[k, band][known].mean() if known.any() else 0.0)
    return z.astype(np.float32, copy=False), there


def detail_of(z: np.ndarray, there: np.ndarray) -> np.ndarray:
    """What remains of one scaled patch (C, H, W) without its local mean; 0 wherever a missing value is near.

    there: (C, H, W) bool.
    """
    from scipy.ndimage import maximum_filter, uniform_filter  # here, as below: the command line loads this module

    fine = z - uniform_filter(z, size=(1, BOX, BOX))
    for band in np.flatnonzero(~there.all(axis=(1, 2))):
        fine[band, maximum_filter(~there[band], size=BOX)] = 0.0
    return fine


def agreement(a: np.ndarray, b: np.ndarray, fine_a: np.ndarray, fine_b: np.ndarray, guess, reach: int) -> Agreement:
    """Refine the shift ``guess`` (dy, dx) by phase correlation, at most ``reach`` px, and compare over the overlap.

    a, b: (C, H, W) scaled; fine_a, fine_b: their :func:`detail_of`. Where the fine detail disagrees nothing else is
    looked at: whole and ssim are nan.
    """
    dy, dx = (int(v) for v in guess)
    for _ in range(2):  # the second look has the better overlap
        step_y, step_x = _peak(*_overlap(fine_a, fine_b, dy, dx), reach)
        dy, dx = dy + step_y, dx + step_x
        if not (step_y or step_x):
            break
    rim = BOX // 2  # here the box reached over the overlap's border, to where the two patches differ
    inside = np.s_[:, rim:-rim, rim:-rim]
    detail = float(np.median(correlation(*(fine[inside] for fine in _overlap(fine_a, fine_b, dy, dx)))))
    left, right = _overlap(a, b, dy, dx)
    share = left[0].size / a[0].size
    if detail < DETAIL:
        return Agreement(dy, dx, share, detail, float("nan"), float("nan"))
    return Agreement(dy, dx, share, detail, float(np.median(correlation(left, right))), ssim(left, right))


def correlation(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(C,) Pearson's correlation of each band of (C, h, w); 0 where a band is constant."""
    a, b = a - a.mean(axis=(1, 2), keepdims=True), b - b.mean(axis=(1, 2), keepdims=True)
    power = np.sqrt(np.square(a).sum(axis=(1, 2)) * np.square(b).sum(axis=(1, 2)))
    return np.where(power > 1e-6, (a * b).sum(axis=(1, 2)) / np.maximum(power, 1e-6), 0.0)


def ssim(a: np.ndarray, b: np.ndarray) -> float:
    """Mean over bands of scikit-image's structural similarity (window 7, sample covariance, its interior).

    a, b: (C, h, w) scaled; nan where the overlap is smaller than the window.
    """
    from scipy.ndimage import uniform_filter

    if min(a.shape[1:]) < WINDOW:
        return float("nan")
    a, b = a.astype(np.float64), b.astype(np.float64)
    rim = WINDOW // 2
    inside = np.s_[:, rim:-rim, rim:-rim]
    ua, ub, aa, bb, ab = (
        uniform_filter(x, size=(1, WINDOW, WINDOW))[inside] for x in (a, b, a * a, b * b, a * b)
    )  # each (C, h - 6, w - 6)
    norm = WINDOW**2 / (WINDOW**2 - 1)
    va, vb, cab = norm * (aa - ua * ua), norm * (bb - ub * ub), norm * (ab - ua * ub)
    value = ((2 * ua * ub + C1) * (2 * cab + C2)) / ((ua * ua + ub * ub + C1) * (va + vb + C2))
    return float(value.mean())


def _overlap(a: np.ndarray, b: np.ndarray, dy: int, dx: int) -> tuple[np.ndarray, np.ndarray]:
    """The parts of both that show one place when ``a[y + dy, x + dx]`` is ``b[y, x]``."""
    height, width = a.shape[1:]
    left = a[:, max(dy, 0) : height + min(dy, 0), max(dx, 0) : width + min(dx, 0)]
    right = b[:, max(-dy, 0) : height + min(-dy, 0), max(-dx, 0) : width + min(-dx, 0)]
    return left, right


def _peak(a: np.ndarray, b: np.ndarray, reach: int) -> tuple[int, int]:
    """The shift of at most ``reach`` px at which the phases of all bands agree best."""
    from scipy import fft

    height, width = a.shape[1:]
    reach = min(reach, (height - 1) // 2, (width - 1) // 2)
    taper = np.outer(np.hanning(height + 2)[1:-1], np.hanning(width + 2)[1:-1]).astype(np.float32)
    cross = fft.rfft2(a * taper) * fft.rfft2(b * taper).conj()
    size = np.abs(cross)
    cross /= size + 1e-3 * size.mean(axis=(1, 2), keepdims=True) + 1e-12
    surface = fft.irfft2(cross.sum(axis=0), s=(height, width))
    steps = np.arange(-reach, reach + 1)
    near = surface[np.ix_(steps, steps)]
    row, column = np.unravel_index(int(near.argmax()), near.shape)
    return int(steps[row]), int(steps[column])
