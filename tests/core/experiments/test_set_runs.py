"""Experiments over several sets, trained: each row is judged on the patches of the set that was asked."""

import pytest

from core.analyses import ablate
from core.progress import drain
from core.runs.targets import DatasetTarget
from tests.builders import TINY, make_tiny

SETTINGS = (
    *TINY, "train.epochs=1", "model.image_size=32", "embed.method=pca", "explain.enabled=false", "heads.lgbm=false",
    "heads.logreg=false", "heads.svm_C=[0.1]", "train.select=last",
)  # fmt: skip


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sets")
    (folder / "ck").mkdir()
    for seed, name in enumerate(("here", "one", "two")):
        make_tiny(folder / f"{name}.h5", n=36, seed=seed)
    return folder


def table(home, kind, *others):
    others = [str(home / f"{name}.h5") for name in others]
    given = {"kind": kind, "preset": "uva-transfer", "settings": "; ".join(SETTINGS), "others": others}
    return drain(ablate.ANALYSIS.start(DatasetTarget(home / "here.h5", home / "ck"), given))


@pytest.mark.slow
def test_weights_go_from_one_set_to_another_and_all_rows_are_compared_on_the_target(home):
    rows = {row["name"]: row for row in table(home, "transfer", "one")["rows"]}
    assert {row["state"] for row in rows.values()} == {"succeeded"} and {row["n"] for row in rows.values()} == {36}
    assert all("difference" in row for name, row in rows.items() if name != "imagenet")
    assert "arrays taken over" in rows["source-one-on"]["told"]["Weights"]
    assert rows["random"]["told"]["Weights"] == "none"


@pytest.mark.slow
def test_each_row_of_growing_diversity_learns_from_one_set_more(home):
    rows = table(home, "diversity", "one", "two")["rows"]
    assert [row["state"] for row in rows] == ["succeeded"] * 2 and {row["n"] for row in rows} == {36}
    assert [row["told"]["Patches learnt from"] for row in rows] == ["36", "72"] and "difference" in rows[1]
