"""A run on a table of columns: its heads read the numbers, it has no maps, and a column with the answer is refused."""

import numpy as np
import pytest

from core.config import preset
from core.data.readers import ReaderOptions, ingest, iterate_patches
from core.errors import ConfigError, FormatError, RunError
from core.predict.patches import answer
from core.progress import drain
from tests.trained_runs import train_tiny

SETTINGS = ("folds.n_splits=2", "train.epochs=2", "heads.svm_C=[1]", "device=cpu", "folds.seed=3")


def dataset(home, leak=False):
    rng = np.random.default_rng(0)
    labels = np.arange(120) % 2
    told = labels + 0.8 * rng.normal(size=120)
    rows = [
        f"r{i},{labels[i]},{told[i]:.4f},{rng.normal():.4f}" + (f",{labels[i]}" if leak else "") for i in range(120)
    ]
    source = home / "numbers.csv"
    source.write_text("\n".join(["id,label,told,noise" + (",answer" if leak else ""), *rows]), encoding="utf-8")
    return drain(ingest(None, source, home / "numbers.h5", ReaderOptions())).dataset


def run_on(home, path):
    return train_tiny(home, path, preset("columns").with_overrides([*SETTINGS]), "columns")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    home = tmp_path_factory.mktemp("columns")
    return run_on(home, dataset(home))


def test_its_heads_are_judged_out_of_fold_and_the_statistics_of_one_pixel_are_not_fitted_again(run):
    summary = run.summary()
    assert summary["head"] == "lgbm" and set(summary["heads"]) == {"fc", "svm_c1", "lgbm", "logreg"}
    best = summary["heads"]["logreg"]["auc"]
    assert 0.7 < best < 0.95, "one column tells about as much: d' of 1.25"
    assert not any("constant" in text for text in summary["warnings"])


def test_its_embedding_is_the_normalised_columns(run):
    found = run.embeddings(0)["embeddings"]
    assert found.shape == (120, 2)
    text = (run.dataset_path().parent / "numbers.csv").read_text("utf-8").splitlines()[1:]
    told = np.array([float(line.split(",")[2]) for line in text])
    assert np.corrcoef(found[:, 0], told)[0, 1] > 0.9999


def test_every_column_is_occluded_and_there_are_no_maps(run):
    occlusion = run.occlusion()
    assert set(occlusion["band"]) == {"told", "noise"}
    lost = occlusion.assign(lost=lambda t: (t["p0"] - t["p_b"]).abs()).groupby("band")["lost"].mean()
    assert lost["told"] > lost["noise"] > 0
    with pytest.raises(RunError, match="table of columns.*no attention maps"):
        run.cams()


def test_a_column_that_is_the_label_is_refused_unless_it_is_left_out(tmp_path):
    path = dataset(tmp_path, leak=True)
    with pytest.raises(ConfigError, match="'answer' tells .* Leave it out of data.bands"):
        run_on(tmp_path, path)


def test_another_table_is_answered_by_names_and_one_that_lacks_a_column_is_refused(run, tmp_path):
    (tmp_path / "new.csv").write_text("id,noise,told\nhigh,0,2.5\nlow,0,-1.5\n", encoding="utf-8")
    bands, batches = iterate_patches(tmp_path / "new.csv")
    found = drain(answer(run, batches, bands))
    assert dict(zip(found.ids.tolist(), found.pred.tolist(), strict=True)) == {"high": 1, "low": 0}
    (tmp_path / "less.csv").write_text("id,noise\na,0\n", encoding="utf-8")
    bands, batches = iterate_patches(tmp_path / "less.csv")
    with pytest.raises(FormatError, match="told"):
        drain(answer(run, batches, bands))
