"""Duplicates: one group of patches of the same ground at a time, its pictures, what differs, and the decision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
import pandas as pd
import streamlit as st

from core.analyses.datasets.leakage import ANALYSIS
from core.data.grouping import PAIR_WORDS
from core.data.leakage.groups import HARM_WORDS, MOSTLY, PatchGroup
from core.data.store import Dataset
from core.review.groups import GROUP
from core.review.judgements import Judgements
from core.runs.store import RunFolder
from dashboard import cache, state, theme, url_state
from dashboard.jobs import analyses
from dashboard.patches import card, gallery
from dashboard.review import judging, sets
from dashboard.review.duplicates import decide, pictures
from dashboard.review.duplicates.known import ALL, Said, groups_of, said_of, text_of
from dashboard.ui import downloads, narrow
from dashboard.ui.empty_states import empty_state
from dashboard.ui.formatting import class_word, count, escape_markdown, number, percent
from dashboard.ui.guards import or_stop
from dashboard.ui.view_switch import open_from_within

NAME = ANALYSIS.name
MOST_SHOWN, MOST_AT_ALL = 8, 48  # pictures of one group, at first and where more are asked for
MIN_COLUMN = 145  # px
LIST, DIFFER, MORE = "review_group_list", "review_group_differ", "review_group_more"


def duplicates_view(run: RunFolder, data: Dataset) -> None:
    """Draw it."""
    target = cache.dataset_target(data.path, state.checkpoints())
    groups = or_stop(groups_of, run, data)
    if groups is None:
        if not analyses.follow(target, NAME):
            empty_state(
                "Nobody has looked for duplicates yet",
                "Every patch is compared with all others: identical and nearly identical ones, crops of one ground, "
                "blends. What belongs together comes here as groups to decide on.",
                "Look for duplicates", lambda: analyses.begin(target, NAME, {"scores": False}), ":material/compare:",
            )  # fmt: skip
        return
    analyses.follow(target, NAME)
    if not groups:
        empty_state(
            "No duplicates were found",
            f"No two of the {count(len(data))} patches are identical, nearly identical, blends of each other, or "
            "crops that share more than half of their ground.",
            "See all pairs", _open_pairs, ":material/task_alt:",
        )  # fmt: skip
        return
    judgements = Judgements(data.path)
    said, by = or_stop(said_of, judgements), judging.reviewer()
    st.markdown(sentence(groups))
    group = _shown(groups, said, by)
    look = _bar(data, judgements, groups, by)
    _one(data, groups, group, look, said, by)
    _list(run, data, groups, group, said, by)
    _method()
    card.show_opened(data, run, list(group.ids))


def sentence(groups: Sequence[PatchGroup]) -> str:
    """How many there are and how many do harm, in Markdown."""
    n, split = len(groups), sum(one.learnt for one in groups)
    text = f"**{count(n)} {'group' if n == 1 else 'groups'}** of patches show the same ground"
    worst = sum(one.harm == "folds_labels" for one in groups)
    if split:
        said = f"this run learnt from one patch and was tested on another in **{count(split)}**"
        return f"{text}; {said}" + (f", and in {count(worst)} of these the labels differ." if worst else ".")
    differ = sum(one.labels_differ for one in groups)
    if differ:
        return f"{text}; this run's folds divide none, and in **{count(differ)}** the labels differ."
    return f"{text}; this run's folds divide none, and the labels agree."


def _shown(groups: Sequence[PatchGroup], said: Said, by: str) -> PatchGroup:
    """The group that the URL names; else the first that is open."""
    named = url_state.read_query_text(decide.SHOWN_GROUP)
    group = next((one for one in groups if one.name == named), None)
    if group is None:
        done = decide.mine_of(said, by) if by else said
        group = decide.next_open(groups, None, done) or groups[0]
    st.session_state[decide.SHOWN_GROUP] = group.name
    url_state.write_query_param(decide.SHOWN_GROUP, group.name, "")
    return group


def _bar(data: Dataset, judgements: Judgements, groups: Sequence[PatchGroup], by: str) -> gallery.Look:
    """Who decides, how far it has come, and how the pictures are drawn."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        judging.name_field()
        pace = or_stop(lambda: judgements.progress(map(text_of, groups), GROUP, by or None))
        who = f"{escape_markdown(by)} has decided" if by else "Decided:"
        people = ", ".join(f"{escape_markdown(name)} {n:,}" for name, n in pace.by_person.items())
        words = f"{who} **{pace.sentence.replace(f' of {pace.total:,}', f' of {pace.total:,} groups', 1)}**"
        st.caption(words + (f" ({people})" if len(pace.by_person) > 1 else ""), width="content")
        st.space("stretch")
        look = gallery.look_choices(data, "duplicates", None, False, stretch=False, named=False)
    judging.tell_trouble()
    return look


def _open_pairs() -> None:
    state.open_view("dataset", view="leakage")


# ------------------------------------------------------------------------------------------------------ one group


def _one(
    data: Dataset, groups: Sequence[PatchGroup], group: PatchGroup, look: gallery.Look, said: Said, by: str
) -> None:
    place = next(k for k, one in enumerate(groups) if one.name == group.name)
    entries = said.get(text_of(group), ())
    mine = next((entry.verdict for entry in entries if entry.by == by), None)
    with st.container(border=True, gap="small"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(f"**Group {place + 1:,} of {len(groups):,}**", width="content")
            _badges(group)
            st.space("stretch")
            if len(group.ids) > 2:
                url_state.toggle(
                    "What differs", key=DIFFER, help="Each beside the patch that it was found to resemble."
                )
            if len(group.ids) > MOST_SHOWN:
                most = len(group.ids) <= MOST_AT_ALL
                url_state.toggle(f"All {len(group.ids)}" if most else f"The first {MOST_AT_ALL}", key=MORE,
                                 help=f"Not only the first {MOST_SHOWN} pictures.")  # fmt: skip
            _neighbours(groups, place)
        st.caption(evidence(group))
        decide.buttons(data, groups, group, mine)
        if entries and (mine is not None or not by):
            st.caption("  \n".join(map(decide.said_words, entries)))
        elif entries:
            st.caption(judging.unseen_words(len(entries)))
        _pictures(data, groups, group, look, mine)


def _neighbours(groups: Sequence[PatchGroup], place: int) -> None:
    with st.container(horizontal=True, gap="small", width="content"):
        for label, icon, key, by in (
            ("Previous", "arrow_back", "Left", -1), ("Next", "arrow_forward", "Right", 1)
        ):  # fmt: skip
            to = place + by
            st.button(
                label, icon=f":material/{icon}:", key=f"review_group_{label}", disabled=not 0 <= to < len(groups),
                shortcut=key, on_click=decide.go, args=(groups[to % len(groups)].name,),
            )  # fmt: skip


def _badges(group: PatchGroup) -> None:
    if group.learnt:
        folds = sorted({fold for fold, label in zip(group.folds, group.labels, strict=True) if fold >= 0 <= label})
        words = ", ".join(str(fold + 1) for fold in folds)
        st.badge(f"Split over folds {words}", icon=":material/call_split:", color="red",
                 help="The run learnt from one of these patches in the fold that was tested on another.")  # fmt: skip
    if group.labels_differ:
        st.badge("Labels differ", icon=":material/rule:", color="orange", help="At least one label is wrong, or the "
                 "landslide lies where only one of them shows it.")  # fmt: skip
    if group.across_split:
        parts = dict.fromkeys(part for part in group.parts if part)
        st.badge(escape_markdown(" and ".join(parts)), icon=":material/splitscreen:", color="orange",
                 help="They lie in different parts of the source's own split.")  # fmt: skip


def evidence(group: PatchGroup) -> str:
    """What connects the patches and how surely, in Markdown."""
    pairs = len(group.pairs)
    kinds = [PAIR_WORDS[kind] if pairs == 1 else f"{count(n)} {PAIR_WORDS[kind]}" for kind, n in group.kinds.items()]
    words, least = [f"{count(len(group.ids))} patches, {', '.join(kinds)}"], "at least " if pairs > 1 else ""
    if np.isfinite(overlap := group.least("overlap")) and overlap < 1:
        words.append(f"{least}{percent(overlap, 0)} of the ground shared")
    if np.isfinite(ssim := group.least("ssim")) and set(group.kinds) != {"identical"}:
        words.append(f"SSIM {least}{number(ssim, 2)}")
    return " · ".join(words)


def _pictures(
    data: Dataset, groups: Sequence[PatchGroup], group: PatchGroup, look: gallery.Look, mine: str | None
) -> None:
    ids = in_order(group)
    if len(ids) > MOST_AT_ALL:
        st.caption(f"Of {count(len(ids))} patches the first; **This group in Patches**, below, shows all of them.")
    ids = ids[: MOST_AT_ALL if len(ids) > MOST_SHOWN and st.session_state[MORE] else MOST_SHOWN]
    drawn = pictures.shared_outlined(data, group, ids, look)
    apart = pictures.metres_from_first(data, ids)
    two, pairs = len(ids) == 2, pictures.links(group, ids)
    compared = two or st.session_state[DIFFER]
    between = {one: pictures.difference(data, pair, look) for one, pair in pairs.items()} if compared else {}
    with st.grid(3 if two else min(4, len(ids)), min_column_width=MIN_COLUMN, gap="small") as grid:
        for place, (patch_id, rgb) in enumerate(zip(ids, drawn, strict=True)):
            with grid.cell(), st.container(gap="xsmall"):
                if not two and patch_id in between:
                    _difference(between[patch_id])
                else:
                    st.image(rgb, width="stretch", alt=f"Patch {patch_id}, {look.composite.name}", output_format="PNG")
                _facts(data, group, patch_id, place, apart[place])
                decide.keep_button(data, groups, group, patch_id, place, mine)
        if two and between:
            with grid.cell(), st.container(gap="xsmall"):
                _difference(between[ids[1]])


def in_order(group: PatchGroup) -> list[str]:
    """Its patches; of many, those of either label in turn, so that the first pictures show both."""
    if len(group.ids) <= MOST_SHOWN:
        return list(group.ids)
    seen: dict[int, int] = {}
    turn = []
    for place, label in enumerate(group.labels):
        seen[label] = seen.get(label, 0) + 1
        turn.append((seen[label], -label, place))
    return [group.ids[place] for *_, place in sorted(turn)]


def _facts(data: Dataset, group: PatchGroup, patch_id: str, place: int, metres: float) -> None:
    st.button(
        escape_markdown(gallery.short(patch_id, 26)), type="tertiary", key=f"review_group_open_{place}",
        on_click=gallery.open_patch, args=(patch_id,), help="Open its card.",
    )  # fmt: skip
    row = group.ids.index(patch_id)
    label = group.labels[row]
    counted = label >= 0 or data.labels[data.index_of([patch_id])[0]] < 0
    facts = [class_word(data, label) if counted else ":gray[left out of training]"]
    if group.folds[row] >= 0:
        facts.append(theme.fold_title(group.folds[row]))
    if group.parts[row]:
        facts.append(escape_markdown(group.parts[row]))
    if place and np.isfinite(metres):
        facts.append(f"{count(metres)} m from the first")
    st.markdown(f":small[{' · '.join(facts)}]")  # a caption would pale the colour of the class


def _difference(found: pictures.Difference) -> None:
    st.image(found.rgb, width="stretch", alt=f"What differs between {found.a} and {found.b}", output_format="PNG")
    st.caption(
        f"**Difference of {escape_markdown(gallery.short(found.a))} and {escape_markdown(gallery.short(found.b))}.** "
        f"{found.words}",
        help="The mean difference of the three colours as drawn, one moved onto the other. Black: none; brightest: "
        f"{percent(pictures.BRIGHTEST, 0)} of black to white and more; grey: ground that only one of them shows.",
    )


# ------------------------------------------------------------------------------------------------------- the list


def _list(run: RunFolder, data: Dataset, groups: Sequence[PatchGroup], group: PatchGroup, said: Said, by: str) -> None:
    st.subheader("All groups", anchor=False)
    table = as_table(data, groups, said, by)
    if narrow.is_narrow():
        downloads.table(table.drop(columns="Group"), hide_index=True, width="stretch")
    else:
        downloads.table(
            table, hide_index=True, width="stretch", height=300, key=LIST,
            on_select=partial(_chosen, groups), selection_mode="single-row",
            column_config={name: st.column_config.NumberColumn(name, format="%.2f") for name in ("Shared", "SSIM")},
        )  # fmt: skip
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        harms = [harm for harm in HARM_WORDS if any(one.harm == harm for one in groups)]
        words = ", ".join(f"{count(sum(one.harm == h for one in groups))} {HARM_WORDS[h].lower()}" for h in harms)
        st.caption(f"{words}. Click a row to open its group.", width="content")
        st.space("stretch")
        st.button("Make a version of the labels", icon=":material/new_label:", type="tertiary",
                  key="review_group_to_labels", on_click=open_from_within, args=("review", "labels"),
                  help="In which what was decided counts.")  # fmt: skip
        st.button("This group in Patches", icon=":material/grid_view:", type="tertiary", key="review_group_set",
                  on_click=sets.open_set, args=("duplicates", group.name))  # fmt: skip
        st.button("All of them", icon=":material/grid_view:", type="tertiary", key="review_group_set_all",
                  on_click=sets.open_set, args=("duplicates", ALL))  # fmt: skip
        if st.button("All pairs", icon=":material/compare:", type="tertiary", key="review_group_to_pairs",
                     help="On the Dataset page, with what they cost."):  # fmt: skip
            _open_pairs()
        downloads.download(table, f"{run.name}_duplicates", "Groups (CSV)")


def _chosen(groups: Sequence[PatchGroup]) -> None:
    """Callback: the row that was clicked is the group that is looked at."""
    rows = st.session_state[LIST]["selection"]["rows"]
    if rows and rows[0] < len(groups):
        decide.go(groups[rows[0]].name)


def as_table(data: Dataset, groups: Sequence[PatchGroup], said: Said, by: str) -> pd.DataFrame:
    """A row a group. by: whose decisions are told; others' only where this person has decided too."""
    rows = []
    for k, one in enumerate(groups, 1):
        folds = sorted({fold + 1 for fold in one.folds if fold >= 0})
        rows.append({
            "Number": k, "Group": decide.title(one), "Patches": len(one.ids),
            "Decided": _decided(said.get(text_of(one), ()), by), "Harm": HARM_WORDS[one.harm],
            "What": ", ".join(PAIR_WORDS[kind] for kind in one.kinds), "Shared": one.least("overlap"),
            "SSIM": one.least("ssim"), "Labels": _labels(data, one), "Folds": ", ".join(map(str, folds)),
        })  # fmt: skip
    return pd.DataFrame(rows)


def _labels(data: Dataset, group: PatchGroup) -> str:
    names: Mapping[int, str] = {1: data.class_names[1], 0: data.class_names[0], -1: "not counted"}
    return ", ".join(f"{group.labels.count(label)} {name}" for label, name in names.items() if label in group.labels)


def _decided(entries: Sequence, by: str) -> str | None:
    if not entries:
        return None
    if by and by not in {entry.by for entry in entries}:
        return "by others"
    verdicts = {entry.verdict for entry in entries}
    people = ", ".join(entry.by for entry in entries)
    if len(verdicts) > 1:
        return "; ".join(f"{entry.by}: {decide.verdict_words(entry.verdict)}" for entry in entries)
    return f"{decide.verdict_words(next(iter(verdicts)))} ({people})"


def _method() -> None:
    with st.expander("How groups are made and what a decision does"):
        st.markdown(
            "A group is everything connected by pairs: identical and nearly identical patches, blends, and crops that "
            f"share more than {percent(MOSTLY, 0)} of a patch, by their pixels or by their places. First come groups "
            "that this run's folds divide (it learnt from one patch and was tested on another), of these the ones "
            "whose labels differ; then those that the source's own split divides.  \n"
            "**Keep this** and **Exclude all** leave patches out, **Keep together** holds the group in one fold, "
            "in every run that is trained with a version of the labels made from the decisions (Corrected labels). "
            "The dataset file, and runs that were trained, do not change. **Not duplicates** takes a group off this "
            "list of things to do; folds stay as careful as they were. Where people differ, nothing is done."
        )
