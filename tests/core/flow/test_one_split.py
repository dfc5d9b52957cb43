"""A run of one split: pairs before and after the event, and a second head that answers a joined inventory's column."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from core.analyses import registry
from core.data.inventories import read_inventory
from core.data.inventories.join import join_dataset, write_join
from core.data.store import open_dataset
from core.errors import ConfigError, TrainingError
from core.flow.run_context import prepare
from core.predict.patches import Ensemble
from core.progress import drain
from core.runs.store import create_run


def test_its_figures_are_of_one_part_and_say_so(paired_run):
    summary, oof = paired_run.summary(), paired_run.oof()
    folds = json.loads((paired_run.path / "folds.json").read_text())
    assert len(summary["folds"]) == 1 and summary["oof"]["n"] == len(oof) == len(folds["folds"][0]) == 18
    assert len(folds["only_train"]) == 42 and not set(folds["only_train"]) & set(oof["id"])
    groups = open_dataset(paired_run.dataset_path())
    of = dict(zip(groups.ids.tolist(), groups.groups.tolist(), strict=True))
    assert not {of[name] for name in folds["only_train"]} & {of[name] for name in oof["id"]}
    assert any("One split: 18 of 60 patches are evaluated" in text for text in summary["warnings"])
    for head in paired_run.rules().values():
        assert head["thresholds"] == [0.5] and head["deployed"] == 0.5


def test_its_second_head_answers_what_the_inventory_knows(paired_run):
    second = paired_run.summary()["second"]
    assert second["column"] == "event_trigger" and second["of"] == "known" and second["n"] == 6
    assert paired_run.provenance()["joined"]["columns"] == ["event_trigger"]
    answers = paired_run.tabular(0).set_index("id")
    labels = answers["label"]
    assert (answers.loc[labels == 0, "second"] == "").all() and answers.loc[labels == 1, "second"].ne("").all()


def test_it_answers_new_pairs_with_its_one_network(paired_run):
    data, oof = open_dataset(paired_run.dataset_path()), paired_run.oof()
    ensemble = Ensemble.load(paired_run)
    assert len(ensemble.models) == 1
    rows = data.index_of(oof["id"].tolist())
    assert np.allclose(ensemble.probs(data.images(rows)), oof[f"prob_{ensemble.head}"], atol=1e-5)


def test_a_trigger_that_landslides_alone_have_is_refused_as_an_input(paired_run, tmp_path):
    config = paired_run.config().with_overrides(["model.second_column=none", "model.columns=event_trigger"])
    with pytest.raises(ConfigError, match="Whether 'event_trigger' is unknown tells .* of the label's"):
        prepare(create_run(tmp_path, config, paired_run.dataset_path(), "input"))


@pytest.mark.parametrize("name", ["heads", "label_issues", "band_importance", "attention_maps", "robustness"])
def test_analyses_do_with_one_split_what_they_can(paired_run_copy, name):
    analysis = registry.analysis(name)
    drain(analysis.run(paired_run_copy, analysis.Options()))
    assert analysis.read(paired_run_copy) is not None


def test_a_run_that_goes_on_does_not_take_another_join(paired_run_copy):
    data = open_dataset(paired_run_copy.dataset_path())
    events = paired_run_copy.path.parent / "other.csv"
    pd.DataFrame({"longitude": data.lonlat[:, 0], "latitude": data.lonlat[:, 1], "trigger": "rain"}).to_csv(events)
    write_join(data.path, join_dataset(data, [read_inventory(events)], 1.0))
    with pytest.raises((TrainingError, ConfigError), match="changed since this run began|has one class"):
        prepare(paired_run_copy)
