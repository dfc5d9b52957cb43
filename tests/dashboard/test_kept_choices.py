"""What is chosen on a page survives going to another one, and stands in a link that opens the same."""

from __future__ import annotations

import pytest

from tests.dashboard import galleries

ELSEWHERE = "overview"
# page, what the link holds before, widget's kind, its key, the value chosen, and its words in the link
CHOICES = [
    ("results", {}, "selectbox", "head", "stats_svm", "stats_svm"),
    ("results", {}, "button_group", "results_view", "heads", "heads"),
    ("results", {"results_view": "risk_control"}, "button_group", "risk_control_kind", "miss_rate", "miss_rate"),
    ("results", {"results_view": "risk_control"}, "slider", "risk_control_limit_missed_per_1000", 42.0, "42.000"),
    ("results", {"results_view": "significance"}, "button_group", "significance_metric", "auc", "auc"),
    ("review", {}, "selectbox", "head", "stats_svm", "stats_svm"),
    ("review", {}, "selectbox", "errors_order", "low_loss", "low_loss"),
    ("review", {"review_view": "versus"}, "selectbox", "versus_head", "fc", "fc"),
    ("review", {}, "selectbox", "errors_composite", "Near infrared", None),
    ("review", {}, "selectbox", "errors_column", "group", "group"),
    ("review", {}, "button_group", "errors_folds", [1], "1"),
    ("review", {}, "button_group", "errors_outcome", ["TP", "TN"], ["TP", "TN"]),
    ("review", {}, "number_input", "errors_threshold", 0.25, "0.250"),
    ("review", {}, "selectbox", "errors_size", 12, "12"),
    ("review", {}, "toggle", "errors_cam", True, "True"),
    ("dataset", {}, "button_group", "dataset_view", "patches", "patches"),
    ("dataset", {"dataset_view": "patches"}, "button_group", "dataset_class", 1, "1"),
    ("dataset", {"dataset_view": "patches"}, "text_input", "dataset_id", "0001", "0001"),
    ("train", {}, "button_group", "train_view", "follow", "follow"),
    ("embedding", {}, "button_group", "embedding_view", "runs", "runs"),
    ("embedding", {}, "button_group", "embedding_fold", 1, "1"),
    ("embedding", {}, "button_group", "embedding_part", "all", "all"),
    ("explain", {}, "selectbox", "explain_order", "id", "id"),
    ("explain", {}, "button_group", "explain_view", "bands", "bands"),
    ("predict", {}, "button_group", "predict_view", "export", "export"),
    ("predict", {"predict_view": "export"}, "button_group", "export_form", "safetensors", "safetensors"),
]


@pytest.fixture
def run(studio):
    return studio.add_run(studio.add_dataset())


def widget(at, kind: str, key: str):
    return getattr(at, kind)(key=key)


def choose(at, kind: str, key: str, value):
    if kind == "selectbox" and key.endswith("_composite"):
        value = at.selectbox(key=key).options[-1]
    widget(at, kind, key).set_value(value).run()
    return value


def chosen(at, kind: str, key: str):
    value = widget(at, kind, key).value
    return list(value) if isinstance(value, list | tuple) else value


@pytest.mark.parametrize(
    ("page", "link", "kind", "key", "value", "words"), CHOICES, ids=[f"{c[0]}-{c[3]}" for c in CHOICES]
)
def test_a_choice_survives_another_page_and_stands_in_the_link(run, open_page, page, link, kind, key, value, words):
    at = open_page(page, run=run.name, **link)
    first = chosen(at, kind, key)
    value = choose(at, kind, key, value)
    assert not at.exception and first != value
    if words is not None:
        assert at.query_params[key] in (words, [words])
    link = dict(at.query_params)

    at.switch_page("../dashboard/app.py" if ELSEWHERE == page else f"../pages/{ELSEWHERE}.py")
    at.query_params.clear()  # as a browser does
    at.run()
    assert not at.exception and at.title[0].value == "Overview"
    at.switch_page(f"../pages/{page}.py").run()
    assert not at.exception and chosen(at, kind, key) == value
    assert at.query_params[key] == link[key]

    again = open_page(page, **{name: values for name, values in link.items()})
    assert not again.exception and chosen(again, kind, key) == value


def test_the_page_of_errors_survives_and_stands_in_the_link(run, open_page):
    at = open_page("review", run=run.name, errors_size="12", errors_page="2", errors_outcome=["TP", "TN", "FP", "FN"])
    shown = galleries.shown(at, "errors")
    assert not at.exception and at.session_state["errors_page"] == 2 and len(shown) == 12
    at.switch_page("../pages/overview.py").run()
    at.query_params.clear()
    at.switch_page("../pages/review.py").run()
    assert galleries.shown(at, "errors") == shown
    assert at.query_params["errors_page"] in ("2", ["2"])


def test_the_head_chosen_on_one_page_is_the_head_of_the_next(run, open_page):
    at = open_page("results", run=run.name)
    at.selectbox(key="head").select("fc").run()
    at.switch_page("../pages/review.py").run()
    assert at.selectbox(key="head").value == "fc"


def test_patches_that_another_page_leads_to_come_before_what_was_chosen_there(run, open_page):
    """Filters that were left on Review do not hide what a button elsewhere opens."""
    at = open_page("review", run=run.name, errors_folds="1", errors_outcome="TN")
    assert at.button_group(key="errors_folds").value == [1]
    at.switch_page("../pages/results.py").run()
    at.query_params.clear()
    at.session_state["results_view"] = "safety"
    at.run()
    at.button(key="threshold_open_FN").click().run()
    assert at.title[0].value == "Review" and at.button_group(key="errors_outcome").value == ["FN"]
    assert not at.button_group(key="errors_folds").value
