"""The framework and the process of a run: what is configured is drawn, what is not is not there; words stay words."""

import xml.etree.ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.config import PRESETS, preset
from core.data.store import open_dataset
from core.drawings import canvas, figures, network, steps
from core.drawings.facts import Facts, facts_of_data, facts_of_run
from core.text import interval, number
from dashboard import theme
from tests.builders import make_dataset, make_run

SVG = "{http://www.w3.org/2000/svg}"
FIGURES = {"framework": figures.framework, "process": figures.process}
OFF = [
    "smote.enabled=false", "augment.flips=false", "augment.quarter_turns=false", "augment.mixup_alpha=0",
    "augment.cutmix_alpha=0",
]  # fmt: skip


NOTHING = Facts()


def keys(config, facts=NOTHING):
    found = [steps.data_steps, steps.network_steps, steps.head_steps, steps.decision_steps, steps.shown_steps]
    return [step.key for one in found for step in one(config, facts)]


def texts(svg):
    return [element.text for element in ET.fromstring(svg).iter(f"{SVG}text")]


def drawn(svg):
    return " ".join(filter(None, texts(svg)))


def test_what_is_switched_off_is_not_drawn():
    config = preset("demo")
    assert {"smote", "geometry", "mix", "fc", "svm", "lgbm", "logreg"} <= set(keys(config))
    bare = config.with_overrides([*OFF, "heads.lgbm=false", "heads.logreg=false"])
    assert keys(bare) == [
        "dataset", "folds", "normalise", "encoder", "weights", "train", "fc", "svm", "threshold", "map", "attention",
        "occlusion",
    ]  # fmt: skip
    for draw in FIGURES.values():
        words = drawn(draw(bare, Facts()))
        assert not any(name in words for name in ("SMOTE", "MixUp", "CutMix", "Geometry", "Augment", "Boosted"))


@pytest.mark.parametrize(
    ("setting", "key", "words"),
    [
        ("smote.n_syn=7", "smote", "7 per landslide"),
        ("smote.protocol=before_folds", "smote", "before the folds"),
        ("augment.rotation=15", "geometry", "rotation ±15°"),
        ("augment.noise=0.01", "colour", "noise"),
        ("augment.mix_prob=0.4", "mix", "40% of batches"),
        ("model.branches=optical_sar", "encoder", "encoders: optical, SAR"),
        ("folds.protocol=single", "folds", "One split"),
        ("folds.region=country", "folds", "Leave one country out"),
        ("model.statistics_branch=true", "statistics", "joined to the embedding"),
        ("model.columns=slope", "columns", "slope"),
        ("model.second_column=trigger", "second", "trigger"),
        ("model.image_size=96", "encoder", "resized to 96 px"),
        ("model.pretrained=packaged", "weights", "packaged"),
        ("train.class_weight=balanced", "train", "class weights"),
        ("train.select=inner", "train", "best epoch on an inner split"),
        ("heads.svm_C=[2.0,0.1]", "svm", "C = 2, 0.1"),
        ("heads.threshold=half", "threshold", "0.5"),
        ("embed.method=pca", "map", "PCA map"),
        ("folds.buffer_m=250", "folds", "buffer of 250 m"),
    ],
)
def test_a_setting_is_in_the_drawing(setting, key, words):
    config = preset("demo").with_overrides([setting])
    found = [steps.data_steps, steps.network_steps, steps.head_steps, steps.decision_steps, steps.shown_steps]
    own = next(step for one in found for step in one(config, Facts()) if step.key == key)
    assert words in " ".join([own.title, *own.lines])


def test_one_split_has_one_network_and_no_other_folds():
    config = preset("demo").with_overrides(["folds.protocol=single"])
    words = drawn(figures.process(config, NOTHING))
    assert "One split" in words and "Validation part" in words and "other folds" not in words
    assert not any(many in words for many in ("1 networks", "1 times", "Mean"))


def test_phases_are_told_epoch_by_epoch():
    train = preset("uva-three-phases").train
    assert steps.phases(train) == ["epochs 1–5: last layer", "6–10: last 20 layers", "11–15: all layers"]
    short = preset("demo").with_overrides(["train.epochs=3", "train.head_epochs=2", "train.top_epochs=9"]).train
    assert steps.phases(short) == ["epochs 1–2: last layer", "3–3: last 20 layers"]
    assert steps.phases(preset("uva-finetune-15").train) == ["last 15 layers trained"]


def test_a_table_of_columns_has_no_network_and_no_attention():
    found = keys(preset("columns"))
    assert not {"encoder", "weights", "attention", "smote", "geometry"} & set(found) and "occlusion" in found


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_every_preset_is_drawn_wide_and_narrow_within_its_picture(name):
    config = preset(name)
    facts = Facts("demo", 1200, 211, "landslide", ("optical",) * 4 + ("sar_post",) * 8, ("ndvi",), 64, (223, 230))
    for draw in FIGURES.values():
        for narrow in (False, True):
            root = ET.fromstring(draw(config, facts, False, narrow))
            width, height = (float(value) for value in root.get("viewBox").split()[2:])
            for element in root.iter(f"{SVG}text"):
                x, y = float(element.get("x")), float(element.get("y"))
                room = canvas.width_of(element.text, float(element.get("font-size"))) / 2
                assert 0 <= x <= width and 0 <= y <= height
                if element.get("text-anchor") == "middle" and x > 60:
                    assert x - room >= 0 and x + room <= width, element.text


def test_a_finished_runs_numbers_are_drawn(tmp_path):
    data = make_dataset(tmp_path / "datasets" / "tiny.h5")
    run = make_run(tmp_path, data.path)
    facts, summary = facts_of_run(run, open_dataset(data.path)), run.summary()
    words = drawn(figures.framework(run.config(), facts))
    assert facts.n == summary["oof"]["n"] and len(facts.synthetic) == run.config().folds.n_splits
    assert f"F1 {number(summary['oof']['f1'])}" in words
    assert interval(summary["oof"]["f1_interval"]) in words
    assert f"{facts.n} labelled patches" in words and "12 bands" in words and "3 folds" in words
    selection = {"bands": list(data.band_names), "n_labelled": 60}
    run.write_json("provenance.json", {**run.provenance(), "selection": selection})
    without = facts_of_run(run)  # its dataset file is gone: the run's own record says as much
    assert (without.n, without.families) == (facts.n, facts.families)


def test_a_run_that_has_not_finished_has_no_result_and_one_that_is_damaged_is_drawn(tmp_path):
    data = make_dataset(tmp_path / "datasets" / "tiny.h5")
    run = make_run(tmp_path, data.path, "failed")
    facts = facts_of_run(run, data)
    assert facts.result is None and facts.made is None and len(facts.synthetic) == 1
    run.write_text("provenance.json", "{")
    run.write_text("fold_0/fold.json", "[]")
    assert facts_of_run(run) == Facts()
    assert "result" not in keys(run.config(), facts)


def test_before_a_run_the_dataset_is_drawn(tmp_path):
    data = make_dataset(tmp_path / "tiny.h5")
    config = preset("demo").with_overrides(["data.bands=optical"])
    facts = facts_of_data(data, config)
    assert (facts.dataset, facts.n, facts.n_positive, len(facts.families)) == ("tiny", 60, 15, 4)


@settings(max_examples=8, deadline=None)
@given(name=st.text(max_size=60))
def test_words_never_become_markup(name):
    facts = Facts(dataset=f"<script>alert(1)</script>{name}]]>&'\"", positive=f"<b>{name}", weights=f"</text>{name}")
    config = preset("demo")
    for draw in FIGURES.values():
        svg = draw(config, facts)
        root = ET.fromstring(svg)
        tags = {element.tag.removeprefix(SVG) for element in root.iter()}
        assert tags <= {"svg", "title", "style", "rect", "circle", "path", "text", "g"}
        assert "href" not in svg and "<script" not in svg and "<b>" not in svg


def test_each_ground_has_its_ink_and_none_follows_the_viewer():
    config = preset("demo")
    light, dark, both = (figures.framework(config, Facts(), ground) for ground in (False, True, None))
    assert canvas.INKS["ground"][0] in light and canvas.INKS["ground"][1] not in light
    assert canvas.INKS["ground"][1] in dark and canvas.INKS["ground"][0] + "}" not in dark
    assert "prefers-color-scheme:dark" in both and all(ink in both for ink in canvas.INKS["text"])


def test_a_long_name_is_broken_or_cut_and_never_wider_than_its_box():
    lines = canvas.wrapped("Fused-MBConv", 12.5, 70)
    assert lines == ["Fused-", "MBConv"]
    for line in canvas.wrapped("a_very_long_backbone.name-without_any.blank " + "x" * 80, 13, 120):
        assert canvas.width_of(line, 13) <= 120
    assert len(canvas.wrapped("word " * 100, 12, 100, 3)) == 3


def test_classes_have_the_colours_of_the_pages():
    assert (canvas.LANDSLIDE, canvas.OTHER, canvas.SYNTHETIC) == (theme.POSITIVE, theme.NEGATIVE, theme.SYNTHETIC)
    assert [canvas.OPTICAL, canvas.SAR_AFTER, canvas.SAR_CHANGE, canvas.INDEX] == list(theme.FAMILY.values())


def stage(name, operator, channels, rows, **more):
    usual = {"kernel": "3×3", "expansion": None, "squeeze": False, "stride": 1.0, "layers": 1}
    return {"name": name, "operator": operator, "channels": channels, "rows": rows} | usual | more


def test_a_network_is_drawn_from_its_rows_with_the_layer_that_grad_cam_reads():
    rows = [
        stage("conv_stem", "Conv", 32, 32),
        stage("blocks.0", "Fused-MBConv", 64, 16, layers=7, expansion=4.0),
        stage("blocks.1.0-2", "MBConv", 96, 8, layers=3, expansion=6.0, squeeze=True),
        stage("classifier", "Conv 1×1 & AvgPool & FC", 1280, 1, kernel="", stride=None),
    ]
    for narrow in (False, True):
        words = texts(network.layers(rows, "net", 64, "backbone.blocks.1.1", False, narrow))
        assert {"Patch", "7 × 3×3", "96 channels", "expansion 6", "SE", "Grad-CAM"} <= set(words)
    assert "Grad-CAM" not in texts(network.layers(rows, "net", 64, "backbone.elsewhere"))


def test_two_encoders_are_drawn_apart():
    rows = [stage(f"{branch}.conv1", "Conv", 8, 16) for branch in ("optical", "sar")]
    words = texts(network.layers([*rows, stage("classifier", "Concatenation & FC", 16, 1, stride=None)], "net", 32))
    assert words.count("Patch") == 2 and {"Optical encoder", "SAR encoder"} <= set(words)
