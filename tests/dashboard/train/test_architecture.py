"""The architecture view of the Train page: asked of a process of its own, shown in words and tables."""

import time

from core.data.store import open_dataset
from dashboard.jobs import background
from dashboard.train import architecture_task


def opened(studio, open_page, **more):
    data = open_dataset(studio.add_dataset(**more))
    at = open_page("train")
    at.session_state["train_view_"] = "architecture"
    return data, at.run()


def asked(at, data, backbones, **more):
    at.multiselect(key="model_backbones").set_value(backbones)
    for key, value in more.items():
        widget = at.selectbox(key="model_branches") if key == "branches" else at.toggle(key="model_pretrained")
        widget.set_value(value)
    next(b for b in at.button if b.label == "Look").click()
    at.run()
    task = background.newest(data.path.parent.parent, architecture_task.kind(data))
    deadline = time.monotonic() + 120
    while task.running and time.monotonic() < deadline:
        time.sleep(0.2)
    return at.run(), task


def shown(at):
    return " ".join(str(e.value) for kind in (at.markdown, at.caption, at.subheader, at.error) for e in kind).replace(
        "\\", ""
    )


def test_before_anything_is_asked_the_view_says_what_it_is_for(studio, open_page):
    _, at = opened(studio, open_page)
    assert not at.exception and "Choose a backbone" in at.info[0].value


def test_two_branches_are_described_with_stages_bands_and_costs(studio, open_page):
    data, at = opened(studio, open_page)
    at, task = asked(at, data, ["test_resnet"], branches="optical_sar", pretrained=False)
    assert not at.exception and not task.error
    metrics = {m.label: m.value for m in at.metric}
    assert metrics["Parameters"].endswith(" M") and float(metrics["Latency"].split()[0]) > 0
    stages, bands = at.dataframe[0].value, at.dataframe[1].value
    assert {name.split(".")[0] for name in stages["Stage"]} == {"optical", "sar"}
    assert dict(zip(bands["Band"], bands["Read by"], strict=True))["asc_vh"] == "SAR branch"
    assert "Weights: random" in shown(at) and "Grad-CAM reads backbone.optical" in shown(at)


def test_several_are_compared_and_one_that_cannot_be_built_says_why(studio, open_page):
    data, at = opened(studio, open_page)
    at, task = asked(at, data, ["test_resnet", "inception_v3", "--json"])
    assert not at.exception and not task.error
    table = at.dataframe[0].value
    assert set(table["Backbone"]) == {"test_resnet", "inception_v3", "--json"}
    assert table.set_index("Backbone").loc["inception_v3", "Why not"].startswith("The backbone 'inception_v3' cannot")
    assert task.facts["backbones"] == ["test_resnet", "inception_v3", "--json"]


def test_a_name_that_is_none_is_refused_in_a_sentence(studio, open_page):
    data, at = opened(studio, open_page)
    at, task = asked(at, data, ["[x](javascript:alert(1))"])
    assert not at.exception and "timm has no backbone" in task.error
    assert not at.metric and "[x](javascript:" in shown(at) and "[x](javascript:" not in at.error[0].value
