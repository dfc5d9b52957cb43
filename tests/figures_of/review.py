"""Figures of ``docs/review.md``, as ``tests/figures.py`` explains."""

from __future__ import annotations


def _slice(words: str, run: str, place: int, things: str) -> str:
    """ "39 of 46 ... (85 %, 68 to 94 %), against 11 % elsewhere": a slice on the half that tested it."""
    at = f"slices[runs][{run}][slices][{place}]"
    ends = f"{{{at}[lo]!p:.0f}} to {{{at}[hi]!p:.0f}} %"
    return (
        f"{{{at}[tested_wrong]}} of {{{at}[tested]}} {things} ({{{at}[rate]!p:.0f}} %, {words}{ends}), against "
        f"{{{at}[rest]!p:.0f}} % elsewhere"
    )


def _deals(run: str) -> str:
    at = f"slices[runs][{run}][without_structure]"
    return f"{{{at}[found]}} of {{{at}[of]}}"


def _ends(run: str) -> str:
    at = f"slices[runs][{run}][without_structure][interval]"
    return f"({{{at}[0]!p:.0f}} to {{{at}[1]!p:.0f}} %)"


def _planted(run: str) -> str:
    found = [f"{{slices[runs][{run}][planted][0.{more}][found]}}" for more in (1, 2, 3)]
    return f"{found[0]}, {found[1]} and {found[2]}"


def _found(path: str, ranking: str = "score") -> str:
    return f"{{{path}[found_in_first_5_percent][{ranking}][together][found]}}"


def _with_ends(at: str) -> str:
    """``+0.092 [+0.060, +0.124]``."""
    return f"{{{at}[mean]:+.3f}} [{{{at}[interval][0]:+.3f}}, {{{at}[interval][1]:+.3f}}]"


_PAGING, _PAGED = "review_paging", "review_paging[review]"
_EPOCHS = "label_epochs[together]"


def _above(way: str, share: str, data: str = "next_patches") -> str:
    """Average precision above random, over the whole curve."""
    return _with_ends(f"{data}[{share}][against_random][{way}][ap][whole_curve]")


def _both(words: str, share: str) -> str:
    """A row of the table of what to label next."""
    return f"| {words} | {_above('novel', share)} | {_above('novel', share, 'next_patches_bijie')} |"


_DEMO, _TURNED = "label_issues[demo]", "label_issues[real_patches_without_network]"
_RARE, _HALF = "landslides_one_in_10", "all_patches"
_ALONE = "[against_random][uncertain][ap][whole_curve][mean]:+.3f"


def _groups(words: str, place: int) -> str:
    """A row of the table of duplicates in real data."""
    at = f"duplicates[datasets][{place}]"
    divided = " | ".join(f"{{{at}[divided][{way}][mean]:.1f}}" for way in ("ungrouped", "as_drawn"))
    return f"{words}: {{{at}[n]}} | {{{at}[n_groups]}}, {{{at}[n_patches]}} | {{{at}[labels_differ]}} | {divided} |"


FIGURES = (
    "With {review_table[n]:,} patches and {review_table[heads]} heads the table is made, filtered and sorted in "
    "{review_table[seconds_median]:.2f} s",
    f"with {{{_PAGING}[n]:,}} patches of 12 bands, {{{_PAGING}[pictures]}} pictures a page, on 2 cores (load",
    f"average {{{_PAGING}[load_average]:.1f}};",
    f"is there after {{{_PAGED}[next_ms][median]:.0f}} ms (best {{{_PAGED}[next_ms][best]:.0f}}, slowest "
    f"{{{_PAGED}[next_ms][slowest]:.0f}}), of which {{{_PAGED}[next_ms][server_cpu]:.0f}} ms are",
    f"takes {{{_PAGED}[warm]:.1f}} s (best {{{_PAGED}[best]:.1f}} s) with a server that runs, "
    f"{{{_PAGED}[cold]:.1f}} s with one that has just begun, and "
    f"{{{_PAGED}[cold_without_thumbnails]:.1f}} s where no picture was drawn before.",
    f"takes {{{_PAGING}[bare][warm]:.1f}} s (best {{{_PAGING}[bare][best]:.1f}} s) and "
    f"{{{_PAGING}[bare][cold]:.1f}} s for its first page in the same minutes, and "
    f"{{{_PAGING}[bare][next_ms][median]:.0f}} ms for",
    f"memory has changed by {{{_PAGED}[memory_of_server][growth]!p:.0f}} %.",
    f"{_found(_DEMO)} of {{{_DEMO}[found_in_first_5_percent][score][together][of]}} "
    "({own[planted][demo][share]:.0f} %, 95 % interval {own[planted][demo][low]:.0f} to "
    "{own[planted][demo][high]:.0f} %) stand among",
    f"Cleanlab alone finds {_found(_DEMO, 'cleanlab')}.",
    f"On {{{_TURNED}[dataset][n]:,}} real patches 2 % of the labels were turned",
    f"find {_found(_TURNED)} of {{{_TURNED}[found_in_first_5_percent][score][together][of]}} "
    "({own[planted][turned][share]:.0f} %, {own[planted][turned][low]:.0f} to {own[planted][turned][high]:.0f} %), "
    f"cleanlab alone {_found(_TURNED, 'cleanlab')}.",
    f"they find {{{_EPOCHS}[confidence][found]}} of {{{_EPOCHS}[score][of]}} planted labels by themselves; the "
    f"score finds {{{_EPOCHS}[score][found]}} without and {{{_EPOCHS}[score_with_confidence][found]}} with them, "
    f"and its average precision is {{{_EPOCHS}[score][average_precision]:.2f}} without and "
    f"{{{_EPOCHS}[score_with_confidence][average_precision]:.2f}} with them.",
    f"ranks as well as the whole score, {{{_EPOCHS}[held_out_later][average_precision]:.2f}}.",
    "Over {duplicates[datasets][0][divided][as_drawn][seeds]} seeds of",
    _groups("| Landslide4Sense, RGB", 0),
    _groups("| Bijie", 1),
    _groups("| Chittagong, cut around each site", 2),
    "the largest group has {duplicates[datasets][2][largest]} patches",
    "Of Zindi's {duplicates[statistics][n]} patches",
    "equal in all {duplicates[statistics][n_numbers]} of them",
    "On {slices[runs][landslide4sense_rgb][n]:,} real patches of {slices[runs][landslide4sense_rgb][n_groups]:,} "
    "images (five folds, preset `small`; {slices[runs][landslide4sense_rgb][n_wrong]} are decided wrongly)",
    "are kept of {slices[runs][landslide4sense_rgb][n_candidates]:,} that",
    _slice("95 % interval ", "landslide4sense_rgb", 0, "patches without a landslide are false alarms"),
    _slice("", "landslide4sense_rgb", 5, "landslides are missed"),
    _slice("", "landslide4sense_rgb", 2, "others are false alarms"),
    _slice("", "demo", 0, "are wrong"),
    "Its {slices[runs][demo][n_wrong]} errors",
    f"a slice is kept in {_deals('landslide4sense_rgb')} deals on the real patches {_ends('landslide4sense_rgb')}",
    f"and in {_deals('demo')} on the demo {_ends('demo')}",
    f"it is found in {_planted('landslide4sense_rgb')} of "
    "{slices[runs][landslide4sense_rgb][planted][0.1][of]} deals",
    f"in {_planted('demo')} on the demo",
    "{next_patches[all_patches][seeds]} seeds; on",
    "{next_patches[dataset][n]:,} patches of Landslide4Sense and {next_patches_bijie[dataset][n]:,} of Bijie",
    _both("one in twenty", "landslides_one_in_20"),
    _both("one in ten", _RARE),
    _both("one in four", "landslides_one_in_4"),
    _both("all patches", _HALF),
    "it is {own[lower_at_300]:.3f} lower.",
    f"could be measured: {_with_ends(f'next_patches[{_RARE}][novel_against_diverse][ap]')} and",
    f"{_with_ends(f'next_patches_bijie[{_RARE}][novel_against_diverse][ap]')} where one in ten is one.",
    f"it adds {_with_ends(f'next_patches[{_HALF}][novel_against_diverse][ap]')} on Landslide4Sense",
    f"worse than at random ({_above('diverse', _HALF)}), and costs",
    f"{_with_ends(f'next_patches_bijie[{_HALF}][novel_against_diverse][ap]')} on Bijie.",
    f"uncertainty alone gains {{next_patches[{_RARE}]{_ALONE}}} and {{next_patches_bijie[{_RARE}]{_ALONE}}}:",
)

SETTINGS = {
    "patches of 12 bands": "of the made studio",
    "on 2 cores": "of the machine",
    "After 200 pages": "how many are turned",
    "Of those of 2 demo runs": "how many runs the file has",
    "among the 5 %": "the first that are reviewed",
    "order 5 % would": "by definition",
    "2 % of the labels were turned": "the protocol",
    "with 4 seeds": "the protocol",
    "20 at a time, from 20 to 300": "the protocol",
    "with 300 labels": "the protocol",
    "seeds of 5 folds": "the protocol",
    "(Zhdanov 2019)": "year",
    "10 slices are kept": "how many the file has",
    "brightness 18.6 to 47.8 of 255": "the name of a slice",
    "(1 to 2.5 % of the patch)": "the name of a slice",
    "more often by 0.1, 0.2 and 0.3": "the protocol",
}
