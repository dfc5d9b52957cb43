"""What becomes of the judgements: versions of the labels, what they change, and how far people agree."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from core.analyses.review import corrected_labels
from core.data.label_versions import LabelVersion, read_version, version_names
from core.data.store import Dataset
from core.errors import LandslideLensError
from core.review.judgements import Judgements
from core.review.versions import RULES, Draft, draft, make_version
from core.runs.store import RunFolder
from core.text import counted
from dashboard import allowed, cache, state, theme, url_state
from dashboard.review import bar, charts, judging
from dashboard.review.versus import asked as ways
from dashboard.review.versus.asked import RELABELLED, Asked
from dashboard.review.versus.retrained import retrained
from dashboard.train.labels import version_words
from dashboard.ui import downloads
from dashboard.ui.empty_states import empty_state
from dashboard.ui.formatting import count, difference, escape_markdown, interval, number
from dashboard.ui.guards import or_stop
from dashboard.ui.messages import show_error

RULE, WHY, VERSION = "review_rule", "review_why", "review_version"
RULE_WORDS = {"agreed": "All who were sure agree", "majority": "More than half", "latest": "The last word"}
UPLOAD, MAX_MB = "review_upload", 64
TOLD, TROUBLE = "review_told", "review_labels_trouble"


def labels_view(run: RunFolder, data: Dataset, head: str) -> None:
    """Draw it. head: whose metrics are compared."""
    judgements, raw = Judgements(data.path), or_stop(cache.dataset, data.path)
    history = or_stop(judgements.history)
    names = version_names(data.path)
    tell()
    if not history and not names:
        empty_state(
            "Nothing has been judged yet",
            "Open a patch and say what it shows: one key each. The judgements become a version of the labels, which "
            "this run is compared with and the next one is trained with.",
            "Judge patches", lambda: state.open_view("review", view="patches"), ":material/fact_check:",
        )  # fmt: skip
        exchange(judgements, data, empty=True)
        return
    rule = st.session_state.get(RULE) or RULES[0]
    found = or_stop(draft, raw, judgements, rule)
    st.markdown(sentence(found, judgements))
    for note in found.notes[1 if found.confirmed else 0 :]:
        st.caption(escape_markdown(note))
    with st.container(horizontal=True, vertical_alignment="center"):
        with st.popover("Make a version of the labels", icon=":material/new_label:", key="review_make"):
            version_form(raw, judgements)
        exchange(judgements, data, empty=not history)
    if names:
        _versions(run, data, names, head)
    _people(judgements)


def tell() -> None:
    """What came of making a version or of bringing judgements in; once."""
    if told := st.session_state.pop(TOLD, None):
        st.success(escape_markdown(told), icon=":material/check_circle:")
    if trouble := st.session_state.pop(TROUBLE, None):
        st.error(escape_markdown(trouble), icon=":material/error:")


def sentence(found: Draft, judgements: Judgements) -> str:
    """What the judgements would change, in Markdown."""
    people = len({entry.by for entry in judgements.latest()})
    left = sum(change.after < 0 for change in found.changes)
    new = sum(change.before < 0 for change in found.changes)
    who = f"{count(people)} {'person' if people == 1 else 'people'}"
    words = f"By the judgements of {who}, **{count(len(found.changes) - left - new)} labels** would change"
    if new:
        words += f", **{count(new)} patches** would get their first label"
    if left:
        words += f" and **{count(left)} patches** would be left out"
    if n := len(found.together):
        words += f" and **{count(n)} {'group' if n == 1 else 'groups'}** would stay in one fold"
    return f"{words}; {count(len(found.confirmed))} judged labels were right."


def version_form(raw: Dataset, judgements: Judgements) -> None:
    """Rule, name and reason, and the button that makes a version."""
    st.selectbox(
        "A label changes when", RULES, key=RULE, format_func=RULE_WORDS.get,
        help="“Unsure” is no vote. Where people decide nothing, the old label stays. “Bad image” and “duplicate” "
        "leave the patch out.",
    )  # fmt: skip
    st.text_input("Made by", key=judging.NAMED + "_maker", value=judging.reviewer(), max_chars=80)
    st.text_input("What for", key=WHY, max_chars=300, placeholder="First review of the likeliest wrong labels")
    st.button(
        "Make it", type="primary", key="review_make_go", on_click=_make, args=(raw, judgements), **allowed.to("train")
    )
    st.caption("A version is a file of its own. The dataset, and runs that were trained, do not change.")


def _make(raw: Dataset, judgements: Judgements) -> None:
    by, why = st.session_state.get(judging.NAMED + "_maker") or "", st.session_state.get(WHY) or ""
    try:
        made = make_version(raw, judgements, by, why, st.session_state.get(RULE) or RULES[0])
    except (LandslideLensError, OSError) as error:
        st.session_state[TROUBLE] = str(error)
        return
    st.session_state[TOLD] = made.sentence
    url_state.forget(VERSION)
    st.query_params.pop(VERSION, None)


def exchange(judgements: Judgements, data: Dataset, empty: bool) -> None:
    """Judgements out and in as CSV."""
    if not empty:
        st.download_button(
            "Judgements (CSV)", lambda: judgements.export_csv().encode(), f"{data.name}_judgements.csv", "text/csv",
            icon=":material/download:", type="tertiary", key="review_csv", on_click="ignore",
        )  # fmt: skip
    with st.popover("Bring in judgements", icon=":material/upload:", type="tertiary", key="review_bring"):
        file = st.file_uploader("CSV of another desk", type="csv", key=UPLOAD, max_upload_size=MAX_MB)
        st.caption("Needs the columns subject, verdict and by. What is here already is passed over.")
        if file is not None:
            st.button("Add them", type="primary", key="review_bring_go", on_click=_bring,
                      args=(judgements, file.name, file.getvalue()), **allowed.to("review"))  # fmt: skip


def _bring(judgements: Judgements, name: str, content: bytes) -> None:
    try:
        new = judgements.import_csv(content.decode("utf-8-sig"), name[:80])
    except UnicodeDecodeError:
        st.session_state[TROUBLE] = f"{name[:80]} is no text in UTF-8. Save it as CSV UTF-8."
        return
    except (LandslideLensError, OSError) as error:
        st.session_state[TROUBLE] = str(error)
        return
    st.session_state[TOLD] = f"{count(new)} new entries from {name[:80]}." if new else f"All of {name[:80]} was here."


# ------------------------------------------------------------------------------------------------------ versions


def _versions(run: RunFolder, data: Dataset, names: list[str], head: str) -> None:
    """The versions there are, what one of them changes in this run, and the way to train with it."""
    st.subheader("What the corrected labels change", anchor=False)
    newest = names[::-1]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = url_state.choose(
            st.selectbox, "Version of the labels", newest, key=VERSION, default=newest[0], width=460,
            format_func=lambda one: version_words(data.path, one),
        )  # fmt: skip
        version = or_stop(read_version, data.path, name)
    st.caption(escape_markdown(f"{version.name}: {version.why}"))
    left, right = st.columns([3, 2], gap="large")
    with left:
        st.markdown("**The same answers judged again**")
        _effect(run, version, head)
    with right:
        retrained(run, version, head)
    if version.together:
        with st.expander(f"The {count(len(version.together))} groups that stay in one fold"):
            kept = [{"Patches": ", ".join(g.ids), "By": g.by, "Why": g.why} for g in version.together]
            downloads.table(pd.DataFrame(kept), hide_index=True, width="stretch")
    if not version.changes:
        return
    with st.expander(f"The {count(len(version.changes))} changed labels"):
        classes = {1: data.class_names[1], 0: data.class_names[0], -1: "none"}
        rows = [
            {"Patch": c.id, "Before": classes[c.before], "After": classes[c.after], "By": c.by, "Why": c.why}
            for c in version.changes
        ]
        downloads.table(pd.DataFrame(rows), hide_index=True, width="stretch")


def _effect(run: RunFolder, version: LabelVersion, head: str) -> None:
    try:
        report = _judged(str(run.path), cache.file_version(run.path / "oof.parquet"), version.name, head)
    except (LandslideLensError, OSError) as error:
        show_error(error, ":material/rule:")
        return
    rows = [row for row in report["rows"] if row["head"] == head]
    f1 = next(row for row in rows if row["metric"] == "f1")
    if report["n_changed"]:
        change = (
            f", by {difference(f1['difference'])} [{interval(f1['difference_interval'], signed=True)}] on the patches "
            f"that are labelled both times. Of {count(report['n_changed'])} changed labels the run had said "
            f"{count(report['n_right'])} right."
        )
    else:
        left_out = counted(report["n_before"] - report["n_after"], "patch is", "patches are")
        change = f". No label changed: {left_out} left out."
    st.markdown(
        f"F1 of {escape_markdown(theme.head_title(head))}: **{number(f1['before'])} → {number(f1['after'])}**{change}",
        help=corrected_labels.CHOSEN,
    )
    downloads.show(charts.before_and_after(rows), key="review_effect")
    st.caption(
        f"The same out-of-fold answers: {count(report['n_before'])} labelled patches before, "
        f"{count(report['n_after'])} after; 95% intervals over groups. {report['note']}"
    )
    if report["n_changed"] and st.button(
        "See which patches", icon=":material/compare_arrows:", type="tertiary", key="review_changed"
    ):
        ways.open_versus(run, Asked(head, RELABELLED, head, version.name))


@st.cache_data(max_entries=32, show_spinner="Judging the same answers by the corrected labels…")
def _judged(path: str, oof: cache.Version, version: str, head: str) -> Mapping[str, Any]:
    run = cache.run(path)
    return corrected_labels.judged(run, corrected_labels.version_of(run, version), [head])


# -------------------------------------------------------------------------------------------------------- people


def _people(judgements: Judgements) -> None:
    """How far people agree, and where they do not."""
    pairs = or_stop(judgements.agreement, "patch")
    if not pairs:
        return
    st.subheader("How far people agree", anchor=False)
    rows = [
        {
            "People": f"{pair.first}, {pair.second}", "Judged by both": pair.n, "Same": f"{pair.same:.0%}",
            "Kappa": number(pair.kappa), "95% interval": interval((pair.lo, pair.hi)),
        }
        for pair in pairs
    ]  # fmt: skip
    downloads.table(pd.DataFrame(rows), hide_index=True, width="stretch", height="content")
    differing = or_stop(judgements.disagreements, "patch")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(
            f"{counted(len(differing), 'patch is', 'patches are')} judged differently. Kappa: agreement beyond chance, "
            "1 is complete.",
            width="content",
        )
        if differing and st.button("Look at these", icon=":material/arrow_outward:", type="tertiary",
                                   key="review_differ"):  # fmt: skip
            url_state.forget(*state.ERRORS_FILTERS)
            filters = {bar.JUDGEMENT: "differ", state.ERRORS_OUTCOME: ["TP", "FN", "FP", "TN"]}
            state.open_view("review", view="patches", filters=filters)
    if differing:
        said = [
            {"Patch": one.subject} | {who: judging.WORDS.get(verdict, verdict) for who, verdict in one.verdicts.items()}
            for one in differing
        ]
        downloads.table(pd.DataFrame(said), hide_index=True, width="stretch")
