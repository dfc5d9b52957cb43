"""New patches on a projection: placed where they belong, kept, refused in words, and no upload left behind."""

import io

import numpy as np
import pytest

from core.analyses.embedding import new_patches, projections
from core.analyses.embedding.new_patches import ANALYSIS, NewPatchesOptions, key_of, place, read_placed
from core.analyses.embedding.projections import OWN
from core.data import uploads
from core.data.bands import Band
from core.data.store import open_dataset
from core.errors import ConfigError, DataError, FormatError, UnsafeFileError
from core.flow.fold_rows import fold_rows
from core.predict.sources import batches_of
from core.progress import drain


@pytest.fixture(scope="module")
def data(run):
    return open_dataset(run.dataset_path())


def placed(run, data, rows, fold=0, key=OWN, bands=None):
    return drain(place(run, fold, key, batches_of(data, rows), data.bands if bands is None else bands))


def uploaded(run, data, name="one.npy", content=None):
    """Options for an upload of one patch."""
    image = io.BytesIO()
    np.save(image, np.moveaxis(data.images(np.array([3]))[0], 0, -1))
    content = io.BytesIO(image.getvalue() if content is None else content)
    folder = uploads.keep([uploads.Upload(name, content, (".npy",))], run.checkpoints)
    (path,) = uploads.files_in(folder)
    bands = tuple(band.name for band in data.bands)
    return folder, {"source": str(path.parent), "uploaded": True, "bands": bands, "unit": "0-255"}


def test_known_patches_come_back_to_their_place_with_their_probability(run, data):
    held = fold_rows(run, 0).val[:5]
    found = placed(run, data, held)
    np.testing.assert_allclose(found.xy, run.umap(0)[0]["xy"][held], atol=1e-3)
    oof = run.oof().set_index("id").loc[data.ids[held]]
    for head in ("fc", "svm_c0.1", "lgbm"):
        np.testing.assert_allclose(found.probs[head], oof[f"prob_{head}"], atol=1e-4)
        np.testing.assert_array_equal(found.called[head], oof[f"pred_{head}"] == 1)
    assert "PCA" in found.note and (found.unlike < 1).all() and found.index.shape == (5, 12)
    assert set(found.index.ravel()) <= set(fold_rows(run, 0).train)


def test_a_training_patch_is_its_own_nearest_neighbour(run, data):
    train = fold_rows(run, 1).train[:3]
    found = placed(run, data, train, fold=1)
    np.testing.assert_array_equal(found.index[:, 0], train)
    np.testing.assert_allclose(found.distance[:, 0], 0, atol=1e-3)


def test_without_settings_or_with_tsne_new_patches_stand_among_their_neighbours(run, data):
    train = fold_rows(run, 0).train[:4]
    arrays, card = run.umap(0)
    older = {name: value for name, value in card.items() if name not in ("settings", "seed", "made_from")}
    projections.write(run, 0, "older", arrays, older)
    found = placed(run, data, train, key="older")
    assert "earlier version" in found.note
    np.testing.assert_allclose(found.xy, arrays["xy"][train], atol=0.15 * np.ptp(arrays["xy"]))
    projections.write(run, 0, "tsne", arrays, card | {"method": "tsne"})
    assert "cannot project" in placed(run, data, train, key="tsne").note


@pytest.mark.slow  # compiles UMAP
def test_with_umap_the_stored_places_stay_and_new_patches_fall_among_them(run, data):
    settings = {"method": "umap", "metric": "euclidean", "grid": 12}
    key = drain(projections.ANALYSIS.start(run, settings))["projection"]
    xy = projections.projection(run, 0, key)[0]["xy"]
    held = np.sort(fold_rows(run, 0).val)  # all of them: UMAP places a patch elsewhere in other company
    found = placed(run, data, held, key=key)
    assert "UMAP" in found.note
    extent = np.ptp(xy, axis=0).max()
    assert np.median(np.linalg.norm(found.xy - xy[held], axis=1)) < 0.1 * extent
    np.testing.assert_array_equal(placed(run, data, held, key=key).xy, found.xy)
    np.testing.assert_array_equal(projections.projection(run, 0, key)[0]["xy"], xy)


def test_patches_that_do_not_fit_are_refused(run, data):
    other = (Band("swir", "Short-wave infrared"), *data.bands[1:])
    with pytest.raises(FormatError, match="have no red"):
        placed(run, data, np.arange(2), bands=other)
    with pytest.raises(FormatError, match="No usable patch"):
        drain(place(run, 0, OWN, iter(()), data.bands))


def test_the_answer_is_kept_whole_and_read_again(run, data):
    options = {"source": str(data.path), "rows": [3, 4], "fold": 1}
    steps = []
    result = drain(ANALYSIS.start(run, options), steps.append)
    shares = [step.share for step in steps]
    assert shares == sorted(shares) and shares[-1] == 1.0 and len(steps) > 3 and all(step.message for step in steps)
    assert result["key"] == key_of(options) and "2 patches" in result["message"]
    found, expected = read_placed(run, result["key"]), placed(run, data, np.array([3, 4]), fold=1)
    assert (found.fold, found.key, found.note) == (1, OWN, expected.note)
    assert found.ids.tolist() == expected.ids.tolist() == data.ids[[3, 4]].tolist()
    for name in ("xy", "index", "distance", "unlike"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))
    for head, probs in expected.probs.items():
        np.testing.assert_array_equal(found.probs[head], probs)
        np.testing.assert_array_equal(found.called[head], expected.called[head])
    assert set(new_patches.read(run)) >= {result["key"]}


def test_of_a_dataset_file_without_rows_the_first_are_taken(run, data, monkeypatch):
    monkeypatch.setattr(new_patches, "MOST", 20)
    key = drain(ANALYSIS.start(run, {"source": str(data.path)}))["key"]
    assert read_placed(run, key).ids.tolist() == data.ids[:20].tolist()


def test_rows_and_sources_that_are_not_there_are_a_sentence(run, data, tmp_path):
    with pytest.raises(DataError, match="there is no row 48, from 0"):
        drain(ANALYSIS.start(run, {"source": str(data.path), "rows": [0, 48]}))
    with pytest.raises(DataError, match="gone.npy is no file or folder"):
        drain(ANALYSIS.start(run, {"source": str(tmp_path / "gone.npy")}))
    for wrong in ({}, {"source": ""}, {"source": "a", "rows": []}, {"source": "a", "rows": [-1]}):
        with pytest.raises(ConfigError, match="New patches"):
            ANALYSIS.options(wrong)
    with pytest.raises(ConfigError, match="at most 64"):
        ANALYSIS.options({"source": "a", "rows": list(range(65))})


def test_options_are_read_from_the_command_lines_texts(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    options = NewPatchesOptions(source="p.npy", rows=["3", "4"], bands="a, b")
    assert options.rows == (3, 4) and options.bands == ("a", "b")
    assert options.source == str(tmp_path / "p.npy")  # the job runs in another folder


def test_an_upload_is_removed_when_it_has_been_placed(run, data):
    folder, options = uploaded(run, data)
    found = read_placed(run, drain(ANALYSIS.start(run, options))["key"])
    assert len(found.ids) == 1 and not folder.exists()
    with pytest.raises(DataError, match="Upload it again"):
        drain(ANALYSIS.start(run, options))


def test_an_upload_is_removed_when_it_cannot_be_placed(run, data):
    folder, options = uploaded(run, data, content=b"no patch")
    with pytest.raises(DataError, match="one.npy"):
        drain(ANALYSIS.start(run, options))
    assert not folder.exists()


def test_an_upload_is_removed_when_the_job_is_cancelled(run, data):
    folder, options = uploaded(run, data)

    class Cancelled(BaseException):
        pass

    def cancel(step):
        assert folder.exists()
        raise Cancelled

    with pytest.raises(Cancelled):
        drain(ANALYSIS.start(run, options), cancel)
    assert not folder.exists()


def test_what_is_no_upload_is_never_removed(run, data, tmp_path):
    mine = tmp_path / "mine"
    mine.mkdir()
    root = run.checkpoints / "datasets" / ".uploads"
    root.mkdir(parents=True, exist_ok=True)
    (root / "up-link").symlink_to(mine)
    for source in (mine, root, root / ".." / "..", root / "up-link"):
        with pytest.raises(UnsafeFileError):
            drain(ANALYSIS.start(run, {"source": str(source), "uploaded": True}))
    assert mine.is_dir() and root.is_dir()
