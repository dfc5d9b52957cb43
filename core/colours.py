"""One colour for one meaning, on pages, drawings and reports: class, outcome, kind of band, fold.

Middle tones that read on white and on near-black, told apart without colour vision (checked by luminance and by the
Okabe-Ito hues they come from).
"""

from __future__ import annotations

POSITIVE = "#D9622B"  # landslide: burnt orange
NEGATIVE = "#3E84B8"  # other: steel blue
UNLABELLED = "#8C939B"
DOUBT = "#9A6FD0"  # folds that disagree, ground unlike the training set: violet
SYNTHETIC = "#EDA877"  # synthetic landslide: the same hue, lighter
CLASS = {1: POSITIVE, 0: NEGATIVE, -1: UNLABELLED}
OUTCOME = {"TP": "#2E9E73", "FN": "#C0447E", "FP": "#D9A21B", "TN": "#6F93B5"}
FAMILY = {"optical": "#4E9F6B", "sar_post": "#4A7EBB", "sar_change": "#8E6BB8", "other": "#8C939B"}
FOLD = ("#2B8C8C", "#D9822B", "#7B68B5", "#4E9F6B", "#C0447E", "#B08D2E", "#4A7EBB", "#9A5B3C", "#6B7785", "#A45BA8")
INK = "#8A929B"  # axis lines, annotations: readable on both grounds
# Eleven stops of matplotlib's "inferno" (CC0): perceptually uniform, readable without colour vision.
HEAT = (
    "000004", "160b39", "420a68", "6a176e", "932667", "bc3754", "dd513a", "f37819", "fca50a", "f6d746", "fcffa4",
)  # fmt: skip
