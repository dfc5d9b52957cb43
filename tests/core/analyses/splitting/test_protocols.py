"""The same recipe under four ways of splitting: what a planted region effect does, and what cannot be split."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.analyses.splitting import features, protocols, scored, trained
from core.config import FoldsConfig, preset
from core.data.bands import RGB_BANDS
from core.data.folds import Folds, make_folds
from core.data.leakage.footprints import HEIGHT, WIDTH, metres_per_degree, nearest
from core.data.leakage.split_audit import COLUMNS
from core.data.regions import ways
from core.data.regions.leave_one_out import Regions
from core.data.store import DatasetWriter
from core.errors import ConfigError
from core.evaluate.metrics import metrics
from core.progress import drain
from core.runs.store import open_run
from tests.builders import make_run
from tests.command_line import core_error, core_json

pytestmark = pytest.mark.usefixtures("jobs_here")

NO_PAIRS = pd.DataFrame(columns=list(COLUMNS))
SIDE = 8
BY_SOURCE = FoldsConfig(region="source")


def made(path, per_region=40, regions=("east", "north", "west"), lonlat=False, columns=True, seed=0):
    """Patches whose landslides are brighter in red; in the west they are darker, so that nothing carries over there.

    Four patches a scene. Each region also has a colour of its own in blue.
    """
    rng = np.random.default_rng(seed)
    region = np.repeat(np.arange(len(regions)), per_region)
    n = len(region)
    labels = (np.arange(n) % 2).astype(np.int8)
    images = rng.normal(size=(n, 3, SIDE, SIDE)).astype(np.float32)
    sign = np.where(region == len(regions) - 1, -1.0, 1.0)
    images[:, 0] += (sign * 1.5 * (2 * labels - 1) + 0.8 * rng.normal(size=n))[:, None, None]
    images[:, 2] += 3.0 * region[:, None, None]
    more = {"columns": {"source": [regions[k] for k in region]}} if columns else {}
    if lonlat:
        per_lon, _ = metres_per_degree(10.0)
        more["lonlat"] = np.stack([5.0 + region + (np.arange(n) % per_region) * 600 / per_lon, np.full(n, 10.0)], 1)
        more["columns"] |= {WIDTH: np.full(n, 80.0), HEIGHT: np.full(n, 80.0)}
    with DatasetWriter(
        path, bands=RGB_BANDS, shape_hw=(SIDE, SIDE), class_names=("other", "landslide"), source=""
    ) as writer:  # fmt: skip
        writer.append(
            100 + 20 * images, labels, [f"p{k:03d}" for k in range(n)], [f"g{k // 4}" for k in range(n)],
            masks=np.ones((n, SIDE, SIDE), np.uint8) * labels[:, None, None], **more,
        )  # fmt: skip
        return writer.finish()


@pytest.fixture(scope="module")
def placed(tmp_path_factory):
    return made(tmp_path_factory.mktemp("placed") / "x.h5", lonlat=True)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    home = tmp_path_factory.mktemp("run")
    data = made(home / "x.h5")
    return make_run(home / "checkpoints", data.path)


def judged(data, **options):
    given = protocols.ANALYSIS.options({"draws": 1, "buffer_m": 700.0, "block_km": 3.0} | options)
    return drain(protocols.judged(data, data.labels, data.bands, FoldsConfig(n_splits=3), NO_PAIRS, given))


def test_a_region_that_nothing_carries_over_to_is_seen_only_when_it_is_left_out(placed):
    report = judged(placed)
    by = {row["name"]: row for row in report["ways"]}
    assert list(by) == ["random", "grouped", "block", "region"] and not any(row["missing"] for row in by.values())
    kind, hard = by["random"]["metrics"]["auc"]["value"], by["region"]["metrics"]["auc_within"]["value"]
    assert kind > 0.9 and hard < 0.75
    assert by["region"]["against"]["auc"]["hi"] < 0 and by["random"]["against"] is None
    west = scored.worst_region(by["region"]["regions"], "auc")
    assert west["name"] == "west" and west["auc"]["hi"] < 0.3 and (west["n"], west["n_positive"]) == (40, 20)
    assert next(row for row in by["grouped"]["regions"] if row["name"] == "west")["auc"]["value"] > 0.9
    assert by["random"]["shared"] > 0.8 and by["grouped"]["shared"] == by["region"]["shared"] == 0.0
    assert by["block"]["left_out"] > 0.0 and by["region"]["n_train"] == 80.0 and by["region"]["n_folds"] == 3
    assert (report["n"], report["n_positive"], report["n_groups"], report["region"]) == (120, 60, 30, "source")
    words = protocols.sentence(report | {"positive": "landslide"})
    assert "with random folds" in words and "Worst region: west" in words and "n = 40, 50% landslide" in words


def test_values_are_those_of_the_metrics_and_lie_in_their_intervals():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 200)
    answers = [((p := np.clip(labels * 0.3 + rng.random(200) * 0.7, 0, 1)) > 0.5, p) for _ in range(2)]
    answers = [(pred.astype(np.int8), p) for pred, p in answers]
    regions = Regions(("a", "b"), (np.arange(200) % 2).astype(np.int8))
    found = scored.scores_of(labels, answers, None, regions)
    each = [metrics(labels, p, pred=pred)["auc"] for pred, p in answers]
    row = found["metrics"]["auc"]
    assert row["value"] == pytest.approx(np.mean(each)) and row["sd"] == pytest.approx(np.std(each, ddof=1))
    assert row["lo"] < row["value"] < row["hi"]
    of_a = [metrics(labels[::2], p[::2], pred=pred[::2])["auc"] for pred, p in answers]
    assert found["regions"][0]["auc"]["value"] == pytest.approx(np.mean(of_a))
    within = found["metrics"]["auc_within"]
    assert within["value"] == pytest.approx(np.mean([row["auc"]["value"] for row in found["regions"]]))
    assert within["lo"] < within["value"] < within["hi"]
    same = scored.differences(labels, answers[:1], answers[:1], None)["auc"]
    assert same["difference"] == same["lo"] == same["hi"] == 0.0


def test_facts_of_folds_by_hand():
    labels, groups = np.array([0, 1, 0, 1]), np.array(["g", "g", "h", "k"])
    folds = Folds(2, 0, False, np.array([0, 1, 1, 0], np.int8), (np.array([2]), np.array([], int)))
    found = scored.facts_of([folds], groups)
    # fold 0 learns from 1 alone (2 is left out) and judges 0, whose group is there, and 3; fold 1 the other way round
    assert found == {"n_folds": 2, "draws": 1, "n_train": 1.5, "left_out": 0.25, "shared": 0.5}
    assert scored.facts_of([make_folds(labels, None, 2)], None)["shared"] == 0.0


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([0.0, 500.0, 2000.0]))
def test_every_way_keeps_what_it_promises(placed, seed, buffer_m):
    hashes = placed.ids.astype("U64")
    for way in ways.ways_of(placed, placed.labels, FoldsConfig(n_splits=3), buffer_m=buffer_m, block_km=4.0):
        (drawn,) = ways.draws_of(way, placed, placed.labels, NO_PAIRS, hashes, seed, 1)
        folds, source, groups = drawn.folds, placed.columns["source"], placed.groups
        assert (folds.fold_of >= 0).all()
        for k in range(folds.n_splits):
            train, val = folds.train(k), folds.val(k)
            assert not set(train) & set(val)
            if way.name == "region":
                assert len(set(source[val])) == 1 and not set(source[val]) & set(source[train])
            if way.name == "grouped":
                assert not set(groups[train]) & set(groups[val])
            if way.name == "block" and buffer_m:
                gap, _ = nearest(drawn.ground.rows(val), drawn.ground.rows(train), buffer_m)
                assert np.isinf(gap).all()


def test_what_is_not_possible_says_why(tmp_path):
    data = made(tmp_path / "x.h5", columns=False)
    by = {row["name"]: row for row in judged(data)["ways"]}
    assert by["block"]["missing"] == ways.NO_PLACES and by["region"]["missing"] == ways.NO_REGIONS
    assert by["random"]["regions"] == [] and not by["grouped"]["missing"]
    object.__setattr__(data, "groups", None)
    report = judged(data)
    assert {row["name"]: row["missing"] for row in report["ways"]}["grouped"] == ways.NO_GROUPS
    assert "no other way of splitting is possible here" in protocols.sentence(report | {"positive": "x"})


def test_the_way_of_settings():
    assert ways.way_of(FoldsConfig()) == "grouped" and ways.way_of(FoldsConfig(grouped=False)) == "random"
    assert ways.way_of(FoldsConfig(group_by="block")) == "block" and ways.way_of(BY_SOURCE) == "region"


def test_a_run_of_one_split_is_compared_by_folds(placed):
    for way in ways.ways_of(placed, placed.labels, FoldsConfig(protocol="single")):
        assert way.folds.protocol == "folds" and way.folds.n_splits == 5


def test_as_a_job_of_a_run_and_by_command(run):
    assert protocols.read(run) is None
    answer = drain(protocols.analyse(run, protocols.ANALYSIS.options({"draws": 1})))
    report = protocols.read(run)["statistics"]
    assert answer["message"] == report["message"] and report["n"] == len(run.oof())
    json.dumps(report, allow_nan=False)
    again = core_json("protocols", run.name, "--draws", "1", "--checkpoints", run.checkpoints)
    assert again["message"] == report["message"]
    wrong = core_error("protocols", run.name, "--region", "land", "--checkpoints", run.checkpoints)
    assert "has no column 'land'" in wrong
    with pytest.raises(ConfigError, match="No finished run has this run's settings"):
        protocols.must_be_possible(run, protocols.ANALYSIS.options({"recipe": "trained"}))


def test_finished_runs_that_differ_in_their_folds_alone_are_set_side_by_side(run):
    base = run.config()
    for change in ("folds.grouped=false", "folds.region=source", "seed=7"):
        make_run(run.checkpoints, run.dataset_path(), config=base.with_overrides([change]))
    make_run(run.checkpoints, run.dataset_path(), config=base.with_overrides(["train.epochs=5", "folds.grouped=false"]))
    by_way = trained.runs_by_way(run, [open_run(run.checkpoints, path.name) for path in run.checkpoints.glob("2*")])
    assert {name: len(some) for name, some in by_way.items()} == {"grouped": 2, "random": 1, "region": 1}
    options = protocols.ANALYSIS.options({"recipe": "trained"})
    protocols.must_be_possible(run, options)
    drain(protocols.analyse(run, options))
    report = protocols.read(run)["trained"]
    by = {row["name"]: row for row in report["ways"]}
    assert by["grouped"]["draws"] == 2 and run.name in by["grouped"]["runs"] and by["block"]["missing"]
    both = [open_run(run.checkpoints, name).summary()["oof"]["auc"] for name in by["grouped"]["runs"]]
    assert by["grouped"]["metrics"]["auc"]["value"] == pytest.approx(np.mean(both))


def test_statistics_of_a_table_are_its_values_and_the_frozen_network_needs_pictures(tmp_path, placed):
    rows = np.arange(6)
    found = drain(features.features_of("statistics", placed, rows, placed.bands))
    assert found.shape == (len(placed), 27) and not found[6:].any() and found[:6].all()
    with pytest.raises(ConfigError, match="lack green, red"):
        features.must_suit("packaged", placed, placed.bands[2:])
    assert preset("small").folds.region is None
