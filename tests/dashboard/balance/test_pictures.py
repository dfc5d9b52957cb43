"""Pictures of synthetic patches and of an interpolation's stops; small pictures for the graph."""

import numpy as np

from core.data.bands import composites
from core.data.store import open_dataset
from dashboard.balance import pictures
from dashboard.patches import gallery
from tests.dashboard.balance.made_answers import stops


def test_the_synthetic_patch_is_the_weighted_sum_of_its_parents(studio):
    data = open_dataset(studio.add_dataset())
    anchor, neighbour = data.images([0]), data.images([4])
    made = pictures.blend(anchor, neighbour, np.array([0.3], np.float32))
    np.testing.assert_allclose(made, 0.3 * anchor + 0.7 * neighbour, rtol=1e-5)
    np.testing.assert_array_equal(pictures.blend(anchor, neighbour, np.array([1.0], np.float32)), anchor)


def test_pictures_of_the_stops_begin_turn_and_end_at_the_real_patches(studio):
    data = open_dataset(studio.add_dataset())
    ids, way = data.ids[[0, 4, 1]].tolist(), composites(data.bands)[0]
    path = stops(ids)
    seen = pictures.of_stops(data, path, way, "dataset")
    for at, name in ((0.0, ids[0]), (1.0, ids[1]), (2.0, ids[2])):
        alone = pictures.of_stops(data, stops([name] * 3, ()), way, "dataset")[0]
        assert np.array_equal(seen[path["position"].index(at)], alone)


def test_small_pictures_are_data_uris_by_id(studio):
    data = open_dataset(studio.add_dataset())
    ids = data.ids[:2].tolist()
    small = pictures.thumbnails(data, ids, gallery.Look(composites(data.bands)[0]))
    assert list(small) == ids and all(uri.startswith("data:image/png;base64,") for uri in small.values())


def test_landslides_of_a_fold_are_those_of_its_training_part(studio):
    run = studio.add_run(studio.add_dataset())
    validation = {str(name) for name in run.folds()["folds"][0]}
    assert not validation & set(pictures.landslides_of(run, 0))
    run.write_text("config.json", run.config().with_overrides(["smote.protocol=before_folds"]).to_json())
    assert validation & set(pictures.landslides_of(run, 0))
