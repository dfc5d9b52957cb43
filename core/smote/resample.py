"""SSIM-SMOTE: synthetic minority patches between structurally similar real ones, each with its lineage.

The normalised minority patches of one training part give :class:`Synthetics`, each of which names its two parents and
their weights. The caller sees to it that validation patches stay away.

Source: Algorithm 1 of the Zindi framework paper (SMOTE with structural similarity for multi-band images), after
Chawla et al. 2002. Names follow imbalanced-learn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from inspect import signature
from typing import Any

import numpy as np

from core.config import SmoteConfig
from core.errors import ConfigError, FormatError, LabelError
from core.smote.preselect import nearest
from core.smote.topk import Neighbours

# SSIM's "data range" of a band after each normalisation, in the unit of the normalised band. Standardised bands have
# no fixed range; six standard deviations hold 99.7 % of a bell curve, and make SSIM's constants C1 = 0.0036 and
# C2 = 0.032: texture below a fifth of the band's spread counts as noise. Robust bands are (x - q50) / (q95 - q05),
# which for a bell curve is 3.29 standard deviations, so that the same range is 6 / 3.29; "robust_iqr" divides by 1.349.
# "minmax" has its range by definition. What "model" gives depends on the backbone: there the patches say it.
SPREADS = 6.0
NORMALISED_RANGE: dict[str, float] = {"standard": SPREADS, "robust": 1.82, "robust_iqr": 4.45, "minmax": 1.0}


def normalised_range(method: str, images: np.ndarray) -> float | np.ndarray:
    """SSIM's data range after this normalisation: NORMALISED_RANGE, or six standard deviations of each band, (C,).

    images: (N, C, H, W) normalised minority patches, looked at only where the method fixes no spread; a band that is
    constant in them counts as 1.
    """
    if method in NORMALISED_RANGE or not len(images):
        return NORMALISED_RANGE.get(method, SPREADS)
    spread = np.array([images[:, band].std(dtype=np.float64) for band in range(images.shape[1])])
    return SPREADS * np.where(spread > 1e-6, spread, 1.0)


@dataclass(frozen=True)
class Synthetics:
    """Synthetic patches and where each comes from; M may be 0.

    ``images[m] = anchor_weight[m] * minority[anchor[m]] + (1 - anchor_weight[m]) * minority[neighbour[m]]``, but 0, the
    normaliser's centre, where a parent holds no data.
    """

    images: np.ndarray  # (M, C, H, W) float32, in the unit of the minority patches
    anchor: np.ndarray  # (M,) int64, positions in the minority array, ascending
    neighbour: np.ndarray  # (M,) int64, positions in the minority array
    anchor_weight: np.ndarray  # (M,) float32, within the clip
    ssim: np.ndarray  # (M,) float32, similarity of the two parents, -1 to 1
    valid: np.ndarray | None = None  # (M, H, W) bool, where both parents hold data; none: everywhere
    exact: bool = True  # neighbours are the most similar of all; else of pre-selected candidates

    def masks(self, masks: np.ndarray) -> np.ndarray:
        """(M, H, W) uint8: landslide wherever either parent's mask, of (n, H, W), says so; both show through."""
        either = (np.asarray(masks)[self.anchor] > 0) | (np.asarray(masks)[self.neighbour] > 0)
        return either.astype(np.uint8)

    def groups(self, groups: np.ndarray) -> np.ndarray:
        """(M, 2) the groups of anchor and neighbour, of (n,): a synthetic patch belongs to both."""
        groups = np.asarray(groups)
        return np.stack([groups[self.anchor], groups[self.neighbour]], axis=1)


def n_synthetic(n_minority: int, n_majority: int, config: SmoteConfig) -> int:
    """Number of synthetic patches that the settings ask for.

    With ``n_syn`` set, that many for each minority patch (paper A: 1255 x 5 = 6275); otherwise as many as bring the
    minority to ``target_ratio`` times the majority, never fewer than none. Without two minority patches there is
    nothing to interpolate between, and the answer is 0.
    """
    if not config.enabled or n_minority < 2:
        return 0
    if config.n_syn is not None:
        return n_minority * config.n_syn
    return max(0, round(config.target_ratio * n_majority) - n_minority)


def synthesise(
    minority: np.ndarray,
    n_new: int,
    *,
    k_neighbors: int = 5,
    alpha: float = 1.0,
    beta: float = 1.0,
    clip: tuple[float, float] = (0.1, 0.9),
    data_range: float | Sequence[float] | np.ndarray = NORMALISED_RANGE["standard"],
    seed: int = 0,
    valid: np.ndarray | None = None,
    device: Any = None,
    neighbours: Neighbours | None = None,
) -> Synthetics:
    """Patches interpolated between anchors and their most similar neighbours (paper A, Algorithm 1).

    Anchors are used evenly: counts differ by at most one, and a remainder goes to anchors drawn without replacement.
    A neighbour is one of the ``k_neighbors`` with the highest SSIM, drawn evenly; k is clamped to the patches there
    are. A patch itself and exact copies of it are never its neighbours, for they would give the same patch again.

    Args:
        minority: (n, C, H, W) finite, normalised, H and W at least 7.
        n_new: number of patches wanted, 0 or more. None are made when fewer than two different patches come in.
        k_neighbors: neighbours to choose from, at least 1.
        alpha: first parameter of the Beta distribution of the anchor's weight.
        beta: second parameter.
        clip: bounds of the anchor's weight within [0, 1].
        data_range: SSIM's data range of the normalised bands, see NORMALISED_RANGE.
        seed: decides neighbours, weights and who gets the remainder; the same seed gives the same patches.
        valid: (n, H, W) bool, False where a patch holds no data: left out of SSIM, and without data in its synthetics.
        device: a CUDA device compares the patches; any other, or none, leaves it to the CPU, where above
            ``core.smote.preselect.EXACT`` patches most but not all of the exact neighbours are found.
        neighbours: of each patch, where they are known otherwise than by SSIM.

    Raises:
        FormatError: the patches have another shape, are too small or are not finite.
        ConfigError: a setting cannot work.
    """
    _check_settings(n_new, k_neighbors, alpha, beta, clip)
    minority = np.asarray(minority)
    if minority.ndim != 4:
        raise FormatError(f"SMOTE needs patches of shape (N, C, H, W); this array has the shape {minority.shape}.")
    if n_new == 0 or len(minority) < 2:
        return _none(minority)
    if neighbours is None:
        copies = copies_of(minority)
        neighbours = nearest(minority, data_range, k_neighbors, valid=valid, copies=copies, device=device)
    eligible = np.flatnonzero(neighbours.counts)
    if eligible.size == 0:
        return _none(minority)
    rng = np.random.default_rng(seed)
    anchor = spread(eligible, n_new, rng)  # (M,)
    choice = rng.integers(0, neighbours.counts[anchor])  # (M,)
    neighbour = neighbours.index[anchor, choice]
    weight = np.clip(rng.beta(alpha, beta, size=n_new), *clip).astype(np.float32)
    weight = np.clip(weight, np.float32(clip[0]), np.float32(clip[1]))
    images = interpolate(minority, anchor, neighbour, weight)
    both = None if valid is None else valid[anchor] & valid[neighbour]
    if both is not None:
        np.copyto(images, np.float32(0.0), where=~both[:, None])
    return Synthetics(images, anchor, neighbour, weight, neighbours.ssim[anchor, choice], both, neighbours.exact)


def copies_of(images: np.ndarray) -> np.ndarray:
    """For each patch the position of the first patch that equals it in every value (-0.0 equals 0.0): (n,) int64."""
    first: dict[bytes, int] = {}
    return np.array([first.setdefault((image + 0.0).tobytes(), i) for i, image in enumerate(images)], dtype=np.int64)


def interpolate(minority: np.ndarray, anchor: np.ndarray, neighbour: np.ndarray, anchor_weight: np.ndarray):
    """Algorithm 1's ``weight * anchor + (1 - weight) * neighbour``: (M, C, H, W) float32.

    Written as ``neighbour + weight * (anchor - neighbour)``, which is the same number, and exactly the parents' where
    they are equal (nodata stays nodata).
    """
    minority = np.asarray(minority, dtype=np.float32)
    out = np.empty((len(anchor), *minority.shape[1:]), dtype=np.float32)
    for m, (a, b, weight) in enumerate(zip(anchor, neighbour, anchor_weight, strict=True)):  # no copies of the whole
        np.subtract(minority[a], minority[b], out=out[m])
        out[m] *= np.float32(weight)
        out[m] += minority[b]
    return out


def keep_missing(images: np.ndarray, usable: np.ndarray, anchor: np.ndarray, neighbour: np.ndarray) -> None:
    """Write 0, the normaliser's centre, into synthetic ``images`` (M, C, H, W) wherever either parent is missing.

    usable: (n, C, H, W) bool, what each parent has; a band that one of them lacks is not blended with a stand-in.
    """
    if usable.all():
        return
    for image, a, b in zip(images, anchor, neighbour, strict=True):
        image[~(usable[a] & usable[b])] = 0.0


def spread(eligible: np.ndarray, n_new: int, rng: np.random.Generator) -> np.ndarray:
    """Anchors (n_new,), each of ``eligible`` equally often; a random choice of them gets one of the remainder."""
    counts = np.full(eligible.size, n_new // eligible.size)
    counts[rng.permutation(eligible.size)[: n_new % eligible.size]] += 1
    return np.repeat(eligible, counts).astype(np.int64)


def _none(minority: np.ndarray) -> Synthetics:
    empty = np.empty(0, np.int64)
    images = np.empty((0, *minority.shape[1:]), np.float32)
    return Synthetics(images, empty, empty, np.empty(0, np.float32), np.empty(0, np.float32))


def _check_settings(n_new: int, k_neighbors: int, alpha: float, beta: float, clip: tuple[float, float]) -> None:
    if n_new < 0:
        raise ConfigError(f"SMOTE was asked for {n_new} synthetic patches; 0 or more are possible.")
    if k_neighbors < 1:
        raise ConfigError(f"SMOTE needs at least one neighbour; k_neighbors is {k_neighbors}.")
    if not (alpha > 0 and beta > 0):
        raise ConfigError(f"The Beta distribution needs alpha and beta above 0; they are {alpha} and {beta}.")
    if not 0.0 <= clip[0] <= clip[1] <= 1.0:
        raise ConfigError(f"clip holds the anchor weight within [0, 1], lower bound first; it is {tuple(clip)}.")


class SSIMSMOTE:
    """SSIM-SMOTE with imbalanced-learn's names: ``fit_resample(X, y)``.

    Args:
        sampling_strategy: minority patches per majority patch after resampling, in (0, 1]; "auto" means 1.
        k_neighbors: most similar patches to choose a neighbour from.
        random_state: seed.
        alpha: first parameter of the Beta distribution of the anchor's weight.
        beta: second parameter.
        clip: bounds of that weight.
        data_range: SSIM's data range of the normalised bands.
        shape: (C, H, W) of the patches where X comes as flat rows, as in a pipeline of scikit-learn; they leave flat.

    Attributes:
        synthetics_: the :class:`Synthetics` of the last call; parents are positions among the minority patches.
        minority_: (n,) int64, positions of those in X.

    Example:
        >>> X_resampled, y_resampled = SSIMSMOTE(k_neighbors=5, random_state=0).fit_resample(X, y)  # doctest: +SKIP
    """

    def __init__(
        self,
        *,
        sampling_strategy: float | str = "auto",
        k_neighbors: int = 5,
        random_state: int = 0,
        alpha: float = 1.0,
        beta: float = 1.0,
        clip: tuple[float, float] = (0.1, 0.9),
        data_range: float | Sequence[float] | np.ndarray = NORMALISED_RANGE["standard"],
        shape: tuple[int, int, int] | None = None,
    ):
        self.sampling_strategy = sampling_strategy
        self.k_neighbors = k_neighbors
        self.random_state = random_state
        self.alpha = alpha
        self.beta = beta
        self.clip = clip
        self.data_range = data_range
        self.shape = shape

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The settings by name, as scikit-learn asks for them."""
        return {name: getattr(self, name) for name in signature(type(self)).parameters}

    def set_params(self, **params: Any) -> SSIMSMOTE:
        """Change settings by name. Raises ConfigError for one that there is not."""
        if unknown := [name for name in params if name not in self.get_params()]:
            raise ConfigError(f"SSIMSMOTE has no setting '{unknown[0]}'. Known: {', '.join(self.get_params())}.")
        for name, value in params.items():
            setattr(self, name, value)
        return self

    def fit_resample(self, X: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The patches that came in, in their order, then the synthetic ones of the rarer class.

        Args:
            X: (N, C, H, W) finite, normalised; or (N, C*H*W) with ``shape`` set.
            y: (N,) labels of two classes.

        Raises:
            LabelError: there are not two classes, or X and y differ in length.
            ConfigError: a setting cannot work.
        """
        X, y = np.asarray(X), np.asarray(y)
        if len(X) != len(y):
            raise LabelError(f"There are {len(X)} patches and {len(y)} labels; each patch needs one.")
        classes, counts = np.unique(y, return_counts=True)
        if classes.size != 2:
            raise LabelError(f"SMOTE balances two classes; the labels hold {classes.size}: {classes.tolist()[:5]}.")
        rows, X = X.shape, self._patches(X)
        rare = int(np.argmin(counts))
        self.minority_ = np.flatnonzero(y == classes[rare])
        config = SmoteConfig(target_ratio=self._ratio())
        self.synthetics_ = synthesise(
            X[self.minority_],
            n_synthetic(int(counts[rare]), int(counts[1 - rare]), config),
            k_neighbors=self.k_neighbors,
            alpha=self.alpha,
            beta=self.beta,
            clip=self.clip,
            data_range=self.data_range,
            seed=self.random_state,
        )
        new_labels = np.full(len(self.synthetics_.images), classes[rare], dtype=y.dtype)
        made = self.synthetics_.images.astype(X.dtype)
        return np.concatenate([X, made]).reshape(-1, *rows[1:]), np.concatenate([y, new_labels])

    def _patches(self, X: np.ndarray) -> np.ndarray:
        if self.shape is None or X.ndim == 4:
            return X
        if X.ndim != 2 or X.shape[1] != np.prod(self.shape):
            raise FormatError(f"Rows of {X.shape[1:]} values are no patches of the shape {tuple(self.shape)}.")
        return X.reshape(-1, *self.shape)

    def _ratio(self) -> float:
        ratio = 1.0 if self.sampling_strategy == "auto" else self.sampling_strategy
        if isinstance(ratio, str) or not 0.0 < ratio <= 1.0:
            raise ConfigError(f"sampling_strategy is 'auto' or a ratio in (0, 1]; it is {ratio!r}.")
        return float(ratio)
