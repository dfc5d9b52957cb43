"""Explain on a run of which everything was computed, whose every name tries to become markup; and on one real patch."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace

import numpy as np
import pytest

from core.analyses.attention.checks import Options, check_attention
from core.analyses.attention.maps import draw_maps
from core.analyses.bands.importance import OcclusionOptions, study_occlusion
from core.analyses.bands.robustness import RobustnessOptions, run_robustness
from core.config import RunConfig
from core.data.bands import bands_named
from core.data.store import DatasetWriter
from core.jobs import queue
from core.pipeline import train_run
from core.runs.store import RunFolder, create_run
from dashboard.jobs import model_client
from tests.builders import TINY
from tests.dashboard.test_literal import texts

BANDS = ("red", "nir", "desc_vv", "asc_vv")


@pytest.fixture(scope="module")
def computed(tmp_path_factory):
    """A checkpoints folder with a tiny trained run, and every explanation of it."""
    home = tmp_path_factory.mktemp("whole")
    rng = np.random.default_rng(0)
    labels = (np.arange(48) % 3 == 0).astype(np.int8)
    images = rng.normal(size=(48, len(BANDS), 32, 32)).astype(np.float32)
    masks = np.zeros((48, 32, 32), np.uint8)
    for i in np.flatnonzero(labels):
        masks[i, 8 : 8 + 12, 4 : 4 + 12] = 1
        images[i, 2] += 6 * masks[i]
    bands = bands_named(BANDS)
    bands = (replace(bands[0], title="[t](javascript:alert(1))"), *bands[1:])
    path = home / "datasets" / "five.h5"
    path.parent.mkdir()
    names = ("![o](http://x.example/o.png)", "[L](javascript:alert(2))")
    with DatasetWriter(path, bands=bands, shape_hw=(32, 32), class_names=names, source="made") as writer:
        writer.append(
            images, labels, [f"<img src=x onerror=alert({i})>" for i in range(48)],
            groups=[f"<b>g{i // 3}</b>" for i in range(48)], masks=masks,
            columns={"source": ["=HYPERLINK(1)" if i % 2 else "<u>s</u>" for i in range(48)]},
        )  # fmt: skip
        writer.finish()
    config = RunConfig().with_overrides([*TINY, "embed.method=pca", "train.epochs=2", "heads.svm_C=[0.1]"])
    run = create_run(home, config, path, "whole")
    for _ in train_run(run):
        pass
    run.write_status(state="succeeded")
    work = (
        check_attention(run, Options(patches=12, seeds=1, compared=4)),
        draw_maps(run),
        study_occlusion(run, OcclusionOptions(patches="all", spatial=4, window=8, stride=8)),
        run_robustness(run, RobustnessOptions(coverages=(0.5,))),
    )
    for steps in work:
        for _ in steps:
            pass
    return home


@pytest.fixture
def run(studio, computed):
    shutil.copytree(computed, studio.checkpoints, dirs_exist_ok=True)
    run = RunFolder(next(path for path in studio.checkpoints.iterdir() if (path / "config.json").is_file()))
    run.write_json("job.json", {**run.job(), "dataset": str(studio.checkpoints / "datasets" / "five.h5")})
    yield run
    model_client.warm().close()


def harmless(at):
    assert not at.exception and not at.error, [e.value for e in at.error]
    for text in texts(at):
        assert not re.search(r"(?<!\\)<(img|script|b|u)\b", text), text
        assert not re.search(r"(?<!\\)\]\((javascript|http)", text), text
        assert "http://x.example" not in text, text


def charts(at):
    return [one.proto.spec for one in at.get("plotly_chart")]


def test_the_lie_detector_shows_its_verdict_and_every_measurement(run, open_page):
    at = open_page("explain", explain_view="checks")
    harmless(at)
    report = next(iter(run.attention_checks().values()))
    shown = " ".join(m.value for m in at.markdown)
    assert all(word in shown for word in ("The maps say something", "What they point at matters", "not the corners"))
    assert len(charts(at)) == 4 + 1 + 1 + 1 + 1  # curves, folds, forgetting, masks, corners
    assert any(f"{report['n_tested']:,} patches labelled or called" in c.value for c in at.caption)


def test_the_bands_show_answer_ranks_groups_parts_and_windows(run, open_page):
    at = open_page("explain", explain_view="bands")
    harmless(at)
    report = run.band_study()[1]
    assert any("SAR matters more than optical" in m.value for m in at.markdown)
    assert len(charts(at)) == 2 + 2 + 1 + 1
    assert any("The shares add up to" in c.value and "subsets" in c.value for c in at.caption)
    assert any("Windows of 8 px" in c.value for c in at.caption)
    baselines = [b for b in report["options"]["baselines"] if b not in report["same"]]
    at.selectbox(key="explain_baseline").select(baselines[-1]).run()
    at.selectbox(key="explain_by").select("source").run()
    at.button_group(key="explain_by_unit").set_value("band").run()
    harmless(at)


def test_the_drill_shows_f1_by_policy_and_the_patches_that_flip(run, open_page):
    at = open_page("explain", explain_view="drill")
    harmless(at)
    assert any("Intact, F1 is" in m.value for m in at.markdown)
    at.selectbox(key="explain_scenario").select("sar_lost").run()
    at.selectbox(key="explain_policy").select("zero").run()
    harmless(at)
    row = next(r for r in run.drill()[1]["rows"] if (r["scenario"], r["policy"]) == ("sar_lost", "zero"))
    assert any(f"{row['n_flipped']:,} of {row['n']:,} decisions flip" in c.value.replace("\n", " ") for c in at.caption)
    assert "Train such a run" in [b.label for b in at.button]


def test_maps_that_were_drawn_later_can_be_chosen(run, open_page):
    at = open_page("explain")
    harmless(at)
    at.selectbox(key="explain_maps").select(next(iter(run.attention_maps()))).run()
    harmless(at)
    assert any("Lie detector" in m.value for m in at.markdown)


def test_one_patch_is_answered_by_a_process_of_its_own_and_the_page_loads_no_network(run, open_page):
    at = open_page("explain", timeout=90, explain_of="one")
    harmless(at)
    shown = [c.value for c in at.caption]
    assert sum("peak" in text for text in shown) == 7 and any("answered in" in text for text in shown)
    at.button_group(key="explain_view").set_value("bands").run()
    harmless(at)
    assert len(charts(at)) == 2 and any("the shares add up to" in c.value for c in at.caption)


def test_work_begun_on_the_page_ends_in_the_run_folder(run, studio, open_page):
    shutil.rmtree(run.path / "cam" / "drawn")
    at = open_page("explain", timeout=90)
    at.toggle(key="explain_draw_more").set_value(True).run()
    at.selectbox(key="explain_new_method").select("gradcam").run()
    at.button(key="explain_draw").click().run()
    assert not at.exception
    status = studio.answered(run, "maps")
    assert status["state"] == "succeeded" and status["result"]["maps"] in run.attention_maps()


def test_work_that_waits_or_was_stopped_is_shown_by_any_tab_and_leaves_what_was_there(run, studio, open_page):
    studio.busy_lane(studio.checkpoints / "datasets" / "five.h5")
    before = run.attention_checks()
    study = queue.submit_study(run, "check", {"patches": 48})
    at = open_page("explain", run=run.name, explain_view="checks")
    harmless(at)
    cancel = next(b for b in at.button if b.key == f"study_cancel_{study.name}")
    cancel.click().run()
    assert not at.exception and study.status()["state"] == "cancelled"
    at = open_page("explain", run=run.name, explain_view="checks")  # as another tab, or after a reload
    assert any("cancelled" in w.value for w in at.warning) and run.attention_checks() == before
    next(b for b in at.button if b.key == f"study_clear_{study.name}").click().run()
    assert not at.exception and not at.warning
    assert not open_page("explain", run=run.name, explain_view="checks").warning
