"""Slices of a finished run: a planted one is found and named, its patches can be read, and what is missing is told."""

import numpy as np
import pytest

from core.analyses.review.slices import ANALYSIS, read, read_patches
from core.config import preset
from core.data.bands import RGB_BANDS
from core.data.store import DatasetWriter
from core.errors import DataError, RunError
from core.progress import drain
from tests.builders import make_run
from tests.trained_runs import copied

N = 480


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    """A run on 480 patches in 240 groups that is wrong on most cloudy ones; which those are."""
    home = tmp_path_factory.mktemp("planted")
    rng = np.random.default_rng(0)
    labels, cloud = np.arange(N) % 2, rng.random(N)
    with DatasetWriter(
        home / "some.h5", bands=RGB_BANDS, shape_hw=(8, 8), class_names=("other", "landslide"), source="a test"
    ) as writer:
        writer.append(
            rng.uniform(0, 255, (N, 3, 8, 8)).astype(np.float32), labels, [f"p{i:03d}" for i in range(N)],
            groups=[f"g{i // 2}" for i in range(N)], masks=np.zeros((N, 8, 8), np.uint8),
            columns={"cloud_share": cloud.astype(np.float32), "date": [f"2024-{i % 12 + 1:02d}-10" for i in range(N)]},
        )  # fmt: skip
        writer.finish()
    config = preset("demo").with_overrides(["train.epochs=1", "folds.n_splits=3"])
    run = make_run(home, home / "some.h5", config=config)
    cloudy = cloud > np.quantile(cloud, 0.75)
    wrong = rng.random(N) < np.where(cloudy, 0.6, 0.05)
    head = run.summary()["head"]
    run.write_oof(run.oof().assign(**{f"pred_{head}": np.where(wrong, 1 - labels, labels)}))
    drain(ANALYSIS.start(run))
    return run, cloudy, wrong


def test_the_planted_slice_comes_first_with_its_numbers(planted):
    run, cloudy, wrong = planted
    found = read(run)
    first = found.report["slices"][0]
    assert first["name"].startswith("high cloud cover (0.7") and first["kept"]
    assert first["clauses"][0]["words"] == "high cloud cover"
    assert found.report["message"].startswith(f"{first['name']}: {first['tested_wrong']} of {first['tested']} ")
    assert found.report["n"] == N and found.report["n_groups"] == 240 and found.report["n_wrong"] == wrong.sum()
    n_wrong, n = first["also"]["wrong"]
    assert n == (cloudy & (read_patches(run)["half"] != first["proposed_by"])).sum() and n_wrong <= n


def test_its_patches_are_those_of_the_slice(planted):
    run, cloudy, wrong = planted
    found, table = read(run), read_patches(run)
    first = found.report["slices"][0]
    ids = found.ids(first["key"])
    assert len(ids) == first["n"] and ids <= set(table.loc[cloudy, "id"])
    assert found.ids("nothing") is None and found.row("nothing") is None
    assert table["id"].tolist() == run.oof()["id"].tolist() and (table["wrong"] == wrong).all()
    for column in ("uniqueness", "outlier", "hardness"):
        assert (table[column] >= 0).all()
    typical = table.groupby("fold")[["uniqueness", "outlier"]].median().to_numpy()
    assert typical == pytest.approx(np.ones((3, 2)))


def test_the_same_is_found_again(planted):
    run, *_ = planted
    before = read(run).report
    drain(ANALYSIS.start(run))
    assert {**read(run).report, "made": ""} == {**before, "made": ""}


def test_another_head_is_asked_by_its_name(planted):
    run, *_ = planted
    assert drain(ANALYSIS.start(run, {"head": "fc"}))["head"] == "fc"
    drain(ANALYSIS.start(run))  # as it was
    with pytest.raises(RunError, match="no answers of a head 'dance'. Choose one of fc"):
        ANALYSIS.check(run, ANALYSIS.options({"head": "dance"}))


def test_with_few_patches_nothing_is_tested_and_that_is_said(trained_run, tmp_path):
    run = copied(trained_run, tmp_path)
    assert read(run) is None and read_patches(run) is None
    value = drain(ANALYSIS.start(run))
    assert value["slices"] == [] and "No " in value["message"] and len(read_patches(run)) == 48


def test_what_is_missing_is_told(trained_run, tmp_path):
    run = copied(trained_run, tmp_path)
    run.dataset_path().unlink()
    with pytest.raises(DataError):
        drain(ANALYSIS.start(run))
    run.write_status(state="cancelled")
    with pytest.raises(RunError, match="has not finished"):
        drain(ANALYSIS.start(run))
