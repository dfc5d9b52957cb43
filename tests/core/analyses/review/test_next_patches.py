"""What to label next: of a run on a dataset that holds unlabelled patches, of other patches, and of a scene's cells."""

import numpy as np
import pytest
from PIL import Image

from core.analyses.maps.judged import subject_of
from core.analyses.prediction import ANALYSIS as PREDICTION
from core.analyses.prediction import results_of
from core.analyses.review.next_patches import ANALYSIS, folder, read
from core.analyses.scene_map import ANALYSIS as SCENE_MAP
from core.config import RunConfig
from core.data.bands import RGB_BANDS
from core.data.store import DatasetWriter, open_dataset
from core.errors import ConfigError, DataError, RunError
from core.progress import drain
from core.review.judgements import Judgements
from core.review.versions import make_version
from core.runs.store import datasets_path
from tests.builders import TINY
from tests.core.analyses.test_scene import scene_file
from tests.trained_runs import QUICK, copied, train_tiny

HIDDEN = [f"p{i:03d}" for i in range(48, 68)]


def chosen(run, **options):
    """The table of the batch, and what was told."""
    value = drain(ANALYSIS.start(run, options))
    table, report = folder(run, value["where"]).table("patches"), read(run)[value["where"]]
    assert report["ids"] == table["id"].tolist() and table["id"].is_unique and len(table) == value["n"]
    assert value["message"].endswith(f"the first is {table['id'][0]}: {table['reason'][0]}.")
    assert table[["prob", "uncertainty"]].stack().between(0, 1).all() and table["rank"].tolist() == [
        *range(1, len(table) + 1)
    ]
    return table, report


def written(path, images, ids, labels=None):
    with DatasetWriter(path, bands=RGB_BANDS, shape_hw=images.shape[2:], class_names=("other", "landslide"),
                       source="a test") as writer:  # fmt: skip
        writer.append(images, np.full(len(ids), -1) if labels is None else labels, ids)
        return writer.finish().path


def new_images(n, seed=5):
    return 100 + 10 * np.random.default_rng(seed).normal(size=(n, 3, 32, 32)).astype(np.float32)


@pytest.fixture(scope="module")
def run(trained_run, tmp_path_factory):
    """A run of two folds on patches of which the last 20 have no label."""
    home = tmp_path_factory.mktemp("unlabelled")
    source = open_dataset(trained_run.dataset_path())
    rows = np.r_[np.arange(48), np.arange(20)]
    labels = np.where(np.arange(68) < 48, source.labels[rows], -1)
    writer = DatasetWriter(
        home / "some.h5", bands=RGB_BANDS, shape_hw=(32, 32), class_names=("other", "landslide"), source="a test"
    )
    with writer:
        images = source.images(rows) + (np.arange(68) >= 48)[:, None, None, None]
        groups = [f"g{i // 3}" for i in range(68)]
        writer.append(images, labels, [f"p{i:03d}" for i in range(68)], groups=groups)
        path = writer.finish().path
    return train_tiny(home, path, RunConfig().with_overrides([*TINY, *QUICK]), "some")


def test_a_batch_of_unlabelled_patches_that_asks_for_none_twice_and_trains(run):
    """Asked, judged, asked again; a version gives them labels, and training learns from them."""
    table, report = chosen(run, n=6)
    assert len(table) == 6 and set(table["id"]) <= set(HIDDEN) and report["n_candidates"] == 20
    assert table["novelty"].between(0, 1).all() and (report["kind"], report["judged"]) == (
        "patch",
        str(run.dataset_path()),
    )
    assert report["share"] == pytest.approx(1 / 3)

    desk, ids = Judgements(run.dataset_path()), table["id"].tolist()
    for name, verdict in zip(ids, ("landslide", "not", "not", "landslide", "bad image", "unsure"), strict=True):
        desk.add("patch", name, verdict, "Ada")
    again, report = chosen(run, n=20)
    assert set(again["id"]) == set(HIDDEN) - set(ids) and report["n_candidates"] == 14

    version = make_version(open_dataset(run.dataset_path()), desk, "Ada", "first batch")
    assert {c.id: (c.before, c.after) for c in version.changes} == {
        ids[0]: (-1, 1), ids[1]: (-1, 0), ids[2]: (-1, 0), ids[3]: (-1, 1)
    }  # fmt: skip
    assert version.sentence == f"Labels of version {version.name}: 0 corrected, 4 given to patches without one."
    config = RunConfig().with_overrides([*TINY, *QUICK, f"data.labels={version.name}"])
    trained = train_tiny(run.path.parent, run.dataset_path(), config, "with the labels")
    oof = trained.oof().set_index("id")
    assert len(oof) == 52 and len(run.oof()) == 48
    assert oof.loc[ids[:4], "label"].tolist() == [1, 0, 0, 1]
    rows = open_dataset(run.dataset_path()).index_of(ids[:4])
    learnt = [set(trained.head_rows(fold)["train"].tolist()) for fold in range(2)]
    assert all(
        sum(int(row) in one for one in learnt) == 1 for row in rows
    )  # each by the fold that does not hold it out


def test_without_unlabelled_patches_it_says_where_else(trained_run, tmp_path):
    run = copied(trained_run, tmp_path)
    assert read(run) is None
    with pytest.raises(DataError, match=r"Every patch of tiny\.h5 is labelled already.*another dataset, a prediction"):
        drain(ANALYSIS.start(run))


@pytest.mark.parametrize(
    ("where", "error", "words"),
    [
        ("dataset:nothing", ConfigError, "There is no dataset 'nothing'"),
        ("elsewhere", ConfigError, "'elsewhere' is no place to choose from. Accepted: own, dataset:NAME"),
        ("prediction:abc", RunError, "no kept prediction 'abc'. Known: none yet"),
        ("scene:abc", RunError, "no map of a scene called 'abc'"),
    ],
)
def test_a_place_that_is_not_there_is_refused_before_anything_waits(trained_run, where, error, words):
    with pytest.raises(error, match=words):
        ANALYSIS.check(trained_run, ANALYSIS.options({"where": where}))


def test_of_another_dataset_what_is_known_blank_or_labelled_is_not_asked_for(trained_run, tmp_path):
    run = copied(trained_run, tmp_path)
    own, images = open_dataset(run.dataset_path()), new_images(12)
    images[0] = np.nan
    images[1] = own.images(np.array([0]))[0]
    labels = np.where(np.arange(12) == 2, 1, -1)
    datasets_path(tmp_path).mkdir()
    path = written(datasets_path(tmp_path) / "other.h5", images, [f"n{i}" for i in range(12)], labels)
    Judgements(path).add("patch", "n3", "not", "Ada")
    table, report = chosen(run, n=50, where="dataset:other")
    assert set(table["id"]) == {f"n{i}" for i in range(4, 12)} and report["n_candidates"] == 8
    assert report["judged"] == str(path.resolve()) and table["spread"].notna().all()
    with pytest.raises(ConfigError, match="the run's own dataset"):
        drain(ANALYSIS.start(run, {"where": f"dataset:{run.dataset_path()}"}))


def test_of_a_prediction_its_answers_are_taken_and_what_is_chosen_becomes_a_dataset(trained_run, tmp_path):
    run, source = copied(trained_run, tmp_path / "studio"), tmp_path / "new"
    source.mkdir()
    for k, image in enumerate(new_images(9).transpose(0, 2, 3, 1)):
        Image.fromarray(image.clip(0, 255).astype(np.uint8)).save(source / f"n{k}.png")
    asked = {"source": str(source), "out": str(tmp_path / "p.csv"), "pictures": True}
    drain(PREDICTION.start(run, asked))
    kept = results_of(run, asked)
    where = f"prediction:{kept.path.name}"
    table, report = chosen(run, n=3, where=where)
    answers = kept.table("patches").set_index("id")["prob"]
    assert table["prob"].tolist() == answers.loc[table["id"]].tolist() and report["n_candidates"] == 9
    made = open_dataset(report["judged"])
    assert sorted(made.ids) == sorted(table["id"]) and (made.labels == -1).all() and made.name == "next-new"
    Judgements(made.path).add("patch", table["id"][0], "landslide", "Ada")
    again, report = chosen(run, n=9, where=where)
    assert set(again["id"]) == set(answers.index) - {table["id"][0]} and report["judged"].endswith("next-new-2.h5")
    source.rename(tmp_path / "gone")
    with pytest.raises(DataError, match="are not there any more"):
        drain(ANALYSIS.start(run, {"where": where}))


def test_cells_of_a_scene_that_were_seen_and_not_judged(trained_run, tmp_path):
    run = copied(trained_run, tmp_path / "studio")
    pixels = np.random.default_rng(3).normal(100, 10, (3, 160, 160)).clip(1, 255).astype(np.uint8)
    pixels[:, :80, 80:] = 0  # a quarter without data
    name = drain(SCENE_MAP.start(run, {"scene": str(scene_file(tmp_path / "after.tif", pixels)), "cell_m": 400}))[
        "name"
    ]
    own = SCENE_MAP.read(run)[name]
    cells = run.results("scene_map").part(name).table("cells")
    seen = set(cells.loc[cells["rank"] > 0, "cell"])
    assert len(seen) < len(cells)
    table, report = chosen(run, n=4, where=f"scene:{name}")
    assert set(table["id"]) <= seen and report["kind"] == "cell" and report["n_candidates"] == len(seen)
    Judgements(report["judged"]).add("cell", subject_of(own, table["id"][0]), "not", "Ada")
    again, _ = chosen(run, n=50, where=f"scene:{name}")
    assert set(again["id"]) == seen - {table["id"][0]}
