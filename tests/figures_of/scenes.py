"""Figures of ``docs/scenes.md``, as ``tests/figures.py`` explains."""

from __future__ import annotations

_BLOCKS = "hokkaido[ways][blocks]"
_MEAN = f"{_BLOCKS}[all_cells][mean probability]"
_WHOLE = f"{_BLOCKS}[cells_seen_whole_only][mean probability]"
_RULES = "hokkaido[rules_chosen_on_these_cells]"
_RULE, _BRIGHTER = f"{_RULES}[bright and steep]", f"{_RULES}[became brighter, and steep]"
_POLYGONS, _HIGH = "hokkaido[polygons]", "hokkaido[polygons][from_0.95]"
_EARLIER, _GROUND = "hokkaido[earlier_scene]", "hokkaido[same_ground]"
_CHECK = "hokkaido[one_scale][check_of_a_patch]"
_OTHER_WAYS = ("blocks", "around each pixel", "one factor", "percentiles of the patches")


def _interval(path: str) -> str:
    """``0.71 (0.58–0.82)``: a value and its interval, kept as three numbers."""
    return f"{{{path}[0]:.2f}} ({{{path}[1]:.2f}}–{{{path}[2]:.2f}})"


def _ranked(words: str, path: str) -> str:
    """A row of the table of counted cells."""
    return f"| {words} | {{{path}[n]}} | {_interval(f'{path}[pearson]')} | {_interval(f'{path}[spearman]')} |"


def _without_flips(way: str, metric: str) -> str:
    return f"{{hokkaido[ways][{way}, without flips][all_cells][mean probability][{metric}][0]:.2f}}"


FIGURES = (
    "With flips, as the preset `small` answers: {scene_flips[ratio]:.2f} of it, {scene_flips[shape][1]} rows",
    "Without: {scene[ratios][0]:.2f}, {scene[ratios][1]:.2f} and {scene[ratios][2]:.2f} in three turns "
    "({scene[ratio_of_processor_seconds]:.2f} by processor time), {scene[shape][1]:,} rows, at {scene[peak_mib]:,} MiB",
    "full width with {scene[shape][0]} bands, preset `small`, {scene[folds]} folds, two cores;",
    "A whole tile, {scene_full[shape][1]} rows, with the tiny network of the preset `demo`, {scene_full[folds]} fold",
    "windows side by side: {scene_full[n_windows]:,} windows in {scene_full[seconds]:.0f} s at "
    "{scene_full[peak_mib]:,} MiB, {scene_full[ratio]:.2f} of the forward pass",
    "({hokkaido[run][oof][n]:,} patches, half of them",
    "grouped by source image: F1 {hokkaido[run][oof][f1]:.3f},",
    "AUC {hokkaido[run][oof][auc]:.3f}) was asked of",
    "compared with {hokkaido[cells][n]} cells of",
    f"{{{_CHECK}[that_differ]}} of {{{_CHECK}[values]:,}} values differs",
    _ranked("mean probability", _MEAN),
    _ranked("share at the run's threshold", f"{_BLOCKS}[all_cells][share at the threshold]"),
    _ranked(
        "mean probability weighted by slope, as the triage grid does",
        f"{_BLOCKS}[all_cells][mean probability weighted by slope]",
    ),
    _ranked(
        f"rule of thumb: bright and steep, the best of {{{_RULE}[tried]}} pairs of thresholds on these very cells",
        _RULE,
    ),
    "| the same rule as stated with the data | | {hokkaido[rule_as_stated_with_the_data]:.2f} | |",
    _ranked(
        f"became brighter, and steep; the best of {{{_BRIGHTER}[tried]}}; where the earlier scene was seen", _BRIGHTER
    ),
    f"(difference {{{_MEAN}[pearson_less_rival][0]:.2f}}, {{{_MEAN}[pearson_less_rival][1]:.2f}} to "
    f"{{{_MEAN}[pearson_less_rival][2]:.2f}}),",
    f"mean probability {{{_MEAN}[cells_for_80_percent]}} of the {{hokkaido[cells][n]}} cells hold",
    f"in the rule's order {{{_RULE}[cells_for_80_percent]}}, in the best "
    "{hokkaido[cells][cells_for_80_percent_in_the_best_order]}.",
    f"{{{_BLOCKS}[called_share]!p:.0f}} % of the ground is called, one polygon of "
    f"{{{_POLYGONS}[area_km2_reported]:.0f}} km².",
    "blocks {}, the highest value around each pixel {}, one factor for the scene {}, percentiles of the patches {} "
    "(Spearman {}, {}, {}, {}).".format(
        *(_without_flips(way, metric) for metric in ("pearson", "spearman") for way in _OTHER_WAYS)
    ),
    f"lacks {{{_EARLIER}[missing_share]!p:.0f}} % of the ground (the edge of the swath) and has snow on "
    f"{{{_EARLIER}[snow_share_of_what_was_seen]!p:.0f}} % of the rest.",
    f"on the {{{_EARLIER}[cells_seen_half]}} cells of which it saw half; leaving out snow changes nothing "
    f"({{{_RULES}[the same without snow][pearson][0]:.2f}}).",
    "outside of the scene ({own[hokkaido][seen_in_part]} of {hokkaido[cells][n]}) and",
    f"without them the mean probability has {_interval(f'{_WHOLE}[pearson]')}, n = {{{_WHOLE}[n]}}.",
    "none was found (highest correlation {own[hokkaido][highest]:.2f};",
    f"in {{{_GROUND}[of_them_found_in_their_place]}} of {{{_GROUND}[windows_of_known_ground]}} cases only, at "
    f"{{{_GROUND}[their_correlation_5_50_95][0]:.2f}} to {{{_GROUND}[their_correlation_5_50_95][2]:.2f}}:",
    "({hokkaido[cells][with_landslides]} of {hokkaido[cells][n]}): this",
    f"GeoJSON in {{{_POLYGONS}[geojson][crs]}} and",
    f"threshold {{{_POLYGONS}[geojson][features]}} polygon with {{{_POLYGONS}[geojson][holes]}} holes, from 0.95 on "
    f"{{{_HIGH}[geojson][features]}} polygons; all valid, all {{own[hokkaido][rings]}} rings closed",
    f"as reported ({{{_POLYGONS}[geojson][area_km2]}} and {{{_HIGH}[geojson][area_km2]}} km²).",
    "(load {scene_clock[load_average]:.0f}): the command {scene_clock[best][command]:.0f} s, the page's job with cells "
    "and pictures {scene_clock[best][job of the page]:.0f} s; a bare script",
    "`rasterio.features.shapes` {scene_clock[best][bare forward pass and shapes]:.0f} s (",
)

_RECIPE = "a setting of the run, which hokkaido.json does not hold"

SETTINGS = {
    "Sentinel-2": "satellite",
    "`small`, 12 epochs": _RECIPE,
    "out of fold over 5 folds": _RECIPE,
    "interval 0.871–0.898": "of the run's own evaluation, of which hokkaido.json holds F1 and AUC alone",
    "cells of 1.28 km": "128 pixels of 10 m; of the data's cells",
    "times 255 over": "of hokkaido_scale.py: how the patches were made",
    "128 x 128": "of hokkaido_scale.py: the side of a whole image",
    "hold 80 % of the": "the question, experiments.hokkaido.cells_needed",
    "1 % of the patch is": "the least mask_fraction of a landslide in the labels.csv of those patches",
    "from 0.95 on": "experiments.hokkaido.HIGH",
}
