"""Tabular inputs: chosen, checked, and handed to the run."""

import numpy as np
import pandas as pd
import pytest

from core.data.bands import RGB_BANDS
from core.data.inventories import read_inventory
from core.data.inventories.join import join_dataset, write_join
from core.data.store import DatasetWriter, open_dataset
from core.evaluate.second_head import second_facts
from core.runs.store import list_runs

N = 60


@pytest.fixture
def dataset(studio):
    rng = np.random.default_rng(0)
    labels = (np.arange(N) % 3 == 0).astype(np.int8)
    columns = {
        "slope": 15 + 4 * labels + rng.normal(0, 6, N),
        "size": np.where(labels == 1, rng.choice(["large", "small"], N), "unknown"),
        "[x](javascript:1)": np.where(labels == 1, "a", "unknown"),
    }
    path = studio.checkpoints / "datasets" / "columns.h5"
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = DatasetWriter(
        path, bands=RGB_BANDS, shape_hw=(16, 16), class_names=("other", "landslide"), source="made in a test"
    )
    with writer:
        images = rng.normal(size=(N, 3, 16, 16)).astype(np.float32)
        writer.append(images, labels, [f"p{i}" for i in range(N)], columns=columns)
        writer.finish()
    return path


def test_a_dataset_without_columns_offers_none(studio, open_page):
    studio.add_dataset()
    assert "Tabular inputs" not in {e.label for e in open_page("train").expander}


def test_an_honest_column_is_cleared_and_goes_into_the_run(dataset, studio, open_page):
    at = open_page("train")
    at.multiselect(key="train_demo_model.columns").set_value(["slope"]).run()
    assert not at.exception and at.success[0].value == "No column leaks the label."
    assert at.dataframe[0].value["Verdict"].tolist() == ["can be used"]
    second = at.selectbox(key="train_demo_model.second_column")
    assert second.options == ["none", "[x](javascript:1)", "size"], "no column of quantities"
    second.select("size").run()
    assert "20 labelled patches have a known class" in " ".join(c.value for c in at.caption)
    next(b for b in at.button if b.label == "Start training").click()
    at.run()
    (run,) = list_runs(studio.checkpoints)
    model = run.config().model
    assert model.columns == ("slope",) and model.second_column == "size" and model.columns_leak == "refuse"


def test_a_column_that_gives_the_label_away_is_named_and_needs_a_word(dataset, open_page):
    at = open_page("train")
    at.multiselect(key="train_demo_model.columns").set_value(["size", "[x](javascript:1)"]).run()
    shown = [e.value for e in at.error]
    assert not at.exception and len(shown) == 2 and "is unknown tells" in shown[0]
    assert "[x](javascript:1)" not in shown[1]
    assert at.checkbox(key="train_demo_model.columns_leak").value is False


def test_a_finished_run_says_what_its_columns_gave_and_how_sizes_are_told(studio, open_page):
    run = studio.add_run(studio.add_dataset())
    known = {"n": 60, "f1": 0.9, "intervals": {"f1": [0.85, 0.95]}}
    unknown = {"n": 60, "f1": 0.7, "intervals": {"f1": [0.6, 0.8]}}
    truth = np.array(["small"] * 9 + ["large"] * 6)
    second = second_facts(truth, np.where(np.arange(15) % 5 == 0, "large", truth)) | {"column": "size", "of": "known"}
    more = {"columns": {"names": ["slope"], "known": known, "unknown": unknown}, "second": second}
    run.write_json("summary.json", run.summary() | more)
    at = open_page("train", train_view="follow")
    shown = " ".join(c.value for c in at.caption)
    assert not at.exception and "with slope F1 0.900" in shown and "without them 0.700" in shown
    assert "size: balanced accuracy 0.889" in shown and "0.500 by always answering the commonest class" in shown
    assert "n = 15 patches whose size is known" in shown and "the commonest class alone: 0.600" in shown


def test_columns_of_joined_inventories_are_offered_and_a_trigger_leaks(studio, open_page):
    rng = np.random.default_rng(0)
    path = studio.checkpoints / "datasets" / "placed.h5"
    path.parent.mkdir(parents=True, exist_ok=True)
    labels = (np.arange(N) % 3 == 0).astype(np.int8)
    writer = DatasetWriter(
        path, bands=RGB_BANDS, shape_hw=(16, 16), class_names=("other", "landslide"), source="made in a test"
    )
    lonlat = np.stack([np.arange(N) / 10, np.zeros(N)], axis=1)
    with writer:
        images = rng.normal(size=(N, 3, 16, 16)).astype(np.float32)
        writer.append(images, labels, [f"p{i}" for i in range(N)], lonlat=lonlat)
        writer.finish()
    data = open_dataset(path)
    rows = [{"longitude": x, "latitude": 0.0, "trigger": ["rain", "quake"][i % 2]}
            for i, x in enumerate(lonlat[labels == 1, 0])]  # fmt: skip
    csv = studio.checkpoints / "events.csv"
    pd.DataFrame(rows).to_csv(csv, index=False)
    write_join(path, join_dataset(data, [read_inventory(csv)], 1.0))
    at = open_page("train")
    at.multiselect(key="train_demo_model.columns").set_value(["event_trigger"]).run()
    assert not at.exception and "is unknown tells" in at.error[0].value and "trigger" in at.error[0].value
    at.multiselect(key="train_demo_model.columns").set_value([]).run()
    at.selectbox(key="train_demo_model.second_column").select("event_trigger").run()
    assert not at.exception and not at.error
    assert "known class: quake 10, rain 9" in " ".join(c.value for c in at.caption)
