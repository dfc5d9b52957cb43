from dataclasses import replace

import numpy as np
import pytest

from core.data.bands import ZINDI_BANDS
from core.data.demo import simulate
from core.data.demo.ground import CELL, MARGIN, Cell, build_ground
from core.data.demo.sensors import observe, optical, radar, slope_towards
from core.data.readers import ReaderOptions, ingest
from core.data.store import open_dataset
from core.errors import ConfigError
from core.progress import drain
from tests.builders import write_demo

# The real training set's, all 7147 patches (FACTS): mean and standard deviation of each band.
REAL_MEAN = [1832, 1919, 1858, 3151, -10.41, -18.56, -0.88, -0.71, -11.26, -19.87, 0.52, -0.27]
REAL_STD = [1331, 1261, 1266, 1453, 8.13, 10.41, 4.17, 4.95, 6.35, 9.74, 2.91, 4.42]


@pytest.fixture(scope="module")
def demo():
    return simulate(1200, 0)


@pytest.fixture(scope="module")
def small():
    return simulate(120, 3)


def test_bands_have_the_real_means_and_spreads(demo):
    for band, mean, std, values in zip(ZINDI_BANDS, REAL_MEAN, REAL_STD, demo.images.swapaxes(0, 1), strict=True):
        assert abs(values.mean(dtype=np.float64) - mean) < 0.15 * std, band.name
        assert abs(values.std(dtype=np.float64) / std - 1) < 0.25, band.name


def test_optical_bands_have_the_real_middle_and_a_bright_tail(demo):
    red, green, blue, nir = (np.quantile(demo.images[:, c], [0.5, 0.95]) for c in range(4))
    assert red[0] == pytest.approx(1511, rel=0.1) and green[0] == pytest.approx(1656, rel=0.1)
    assert blue[0] == pytest.approx(1560, rel=0.1) and nir[0] == pytest.approx(2975, rel=0.1)
    assert min(red[1], green[1], blue[1]) > 3000 and nir[1] > 4800  # clouds


def test_values_are_finite_and_within_the_usual_ranges(demo):
    assert demo.images.shape == (1200, 12, 64, 64) and demo.images.dtype == np.float32
    for c, band in enumerate(ZINDI_BANDS):
        low, high = band.usual
        assert low <= demo.images[:, c].min() and demo.images[:, c].max() <= high, band.name


def test_share_of_landslides_is_the_real_one(demo):
    assert demo.labels.dtype == np.int8 and set(demo.labels) == {0, 1}
    assert demo.labels.mean() == pytest.approx(0.176, abs=1e-3)
    assert demo.true_labels.mean() == pytest.approx(0.176, abs=1e-3)


def test_two_in_a_hundred_labels_are_wrong_and_recorded(demo):
    wrong = demo.labels != demo.true_labels
    assert wrong.sum() == 24 and demo.true_labels[wrong].sum() == 12
    assert demo.flipped == tuple(demo.ids[wrong])


def test_masks_tell_the_truth(demo):
    share = (demo.masks > 0).mean(axis=(1, 2))
    assert demo.masks.dtype == np.uint8 and share == pytest.approx(demo.scar_share)
    assert (share[demo.true_labels == 1] >= 0.01).all() and (share[demo.true_labels == 0] == 0).all()


def test_thirty_near_duplicates_are_shifted_crops_of_their_own_group(demo):
    assert len(demo.near_duplicates) == 30
    row = {name: i for i, name in enumerate(demo.ids)}
    for original, copy in demo.near_duplicates:
        a, b = row[original], row[copy]
        assert demo.groups[a] == demo.groups[b] and demo.true_labels[a] == demo.true_labels[b]
        assert _shift_between(demo.images[a], demo.images[b]) is not None
    labels = [demo.true_labels[row[original]] for original, _ in demo.near_duplicates]
    assert sum(labels) == 10


def _shift_between(a, b):
    """Rows and columns by which b's window lies off a's, found by one row of pixels that both hold, then checked."""
    for down in range(-MARGIN, MARGIN + 1):
        for right in range(-MARGIN, MARGIN + 1):
            if (down, right) != (0, 0) and a[5, 32, 32] == b[5, 32 - down, 32 - right]:
                ours = a[:, max(down, 0) : CELL + min(down, 0), max(right, 0) : CELL + min(right, 0)]
                theirs = b[:, max(-down, 0) : CELL + min(-down, 0), max(-right, 0) : CELL + min(-right, 0)]
                if np.array_equal(ours, theirs):
                    return down, right
    return None


def test_groups_are_scenes_of_five_to_twelve_patches_with_both_classes(demo):
    for group in np.unique(demo.groups):
        inside = demo.groups == group
        assert 5 <= inside.sum() <= 12
        assert set(demo.true_labels[inside]) == {0, 1}
    assert len(set(demo.ids)) == 1200


def test_every_scenario_is_there(demo):
    assert set(demo.scenario[demo.true_labels == 0]) == {
        "forest", "bare soil", "old scar", "fields", "road", "water", "sar change", "cloud",
    }  # fmt: skip
    assert set(demo.scenario[demo.true_labels == 1]) == {"scar", "faint scar", "scar under cloud", "scar in layover"}


@pytest.mark.parametrize(("n", "seed"), [(60, 0), (61, 1), (120, 3), (333, 7)])
def test_any_number_of_patches_is_exact(n, seed):
    from core.data.demo.plan import decide

    scenes, wrong = decide(n, seed)
    cells = [cell for scene in scenes for cell in (*scene.cells, *(scene.cells[k] for k in scene.copies))]
    assert len(cells) == n and sum(bool(cell.scar) for cell in cells) == round(0.176 * n)
    assert len(set(wrong)) == round(0.02 * n)
    assert all(5 <= len(scene) <= 12 for scene in scenes)


def test_the_same_seed_gives_the_same_patches_and_another_seed_others(small):
    again, other = simulate(120, 3), simulate(120, 4)
    for name in ("images", "labels", "true_labels", "masks", "groups", "ids", "scenario", "near_duplicate_of"):
        assert np.array_equal(getattr(small, name), getattr(again, name)), name
    assert not np.array_equal(small.images, other.images)


@pytest.mark.parametrize(("n", "seed", "words"), [(59, 0, "at least 60"), (60, -1, "seed is 0 or more")])
def test_what_cannot_be_simulated_is_refused(n, seed, words):
    with pytest.raises(ConfigError, match=words):
        simulate(n, seed)


# ------------------------------------------------------------------------------------------------- the physics


def _one_cell(seed, scenario="forest", scar="fresh", cloud=""):
    rng = np.random.default_rng(seed)
    side = CELL + 2 * MARGIN
    ground = build_ground(rng, (side, side), [Cell(0, 0, scenario, scar, cloud)])
    return rng, ground


def test_scars_run_downhill_on_slopes():
    drops = []
    for seed in range(8):
        _, ground = _one_cell(seed)
        crown, deposit = (ground.scar > 0) & (ground.rough < 0.1), ground.rough > 0.5
        drops.append(ground.height[crown].mean() - ground.height[deposit].mean())
    assert min(drops) > 5  # metres


def test_scars_show_in_the_optical_bands():
    for seed in range(4):
        rng, ground = _one_cell(seed)
        red, _, _, nir = optical(rng, ground)
        scar, around = ground.scar > 0.8, (ground.scar == 0) & (ground.water == 0) & (ground.cloud == 0)
        assert np.median(red[scar]) > np.median(red[around]) + 150
        assert np.median(nir[scar] / red[scar]) < np.median(nir[around] / red[around]) - 0.3


def test_scars_change_backscatter_with_a_sign_that_follows_slope_and_orbit():
    for orbit in ("descending", "ascending"):
        up, away = [], []
        for seed in range(12):
            rng, ground = _one_cell(seed)
            _, _, dvv, dvh = radar(rng, ground, orbit, strength_db=8.0)
            towards, seen = slope_towards(ground, orbit)
            scar, around = (ground.scar > 0.9) & (seen > 0.9), ground.scar == 0
            up += list(dvv[scar & (towards > 0.2)] - np.median(dvv[around]))
            away += list(dvv[scar & (towards < -0.2)] - np.median(dvv[around]))
            assert np.median(dvh[scar]) < np.median(dvh[around]) if scar.sum() > 50 else True
        assert np.mean(up) > 2 and np.mean(away) < -2


def test_change_is_after_minus_before():
    rng, ground = _one_cell(0)
    after, _, change, _ = radar(rng, ground, "ascending", 8.0)
    flat_forest = (ground.scar == 0) & (np.abs(slope_towards(ground, "ascending")[0]) < 0.1)
    before = after - change
    assert before[flat_forest].mean() == pytest.approx(after[flat_forest].mean() - change[flat_forest].mean(), abs=1e-3)
    assert -66 <= before.min() and before.max() <= 34


@pytest.mark.parametrize("scenario", ["bare soil", "old scar", "road"])
def test_bare_soil_only_looks_like_a_scar(scenario):
    for seed in range(3):
        rng, ground = _one_cell(seed, scenario, scar="")
        red = optical(rng, ground)[0]
        soil, around = ground.soil > 0.5, (ground.soil == 0) & (ground.cloud == 0)
        assert soil.sum() > 20 and np.median(red[soil]) > np.median(red[around]) + 100
        change = radar(np.random.default_rng(1), ground, "ascending", 8.0)[2]
        grown_over = replace(ground, soil=np.zeros_like(ground.soil))
        assert radar(np.random.default_rng(1), grown_over, "ascending", 8.0)[2] == pytest.approx(change, abs=0.01)


def test_clouds_hide_the_ground_from_optics_and_not_from_radar():
    rng, ground = _one_cell(2, cloud="overcast")
    cell = np.s_[MARGIN : MARGIN + CELL, MARGIN : MARGIN + CELL]
    images = observe(rng, ground)
    assert ground.cloud[cell].mean() > 0.9
    assert images[0][cell].mean() > 3000
    scar = ground.scar[cell] > 0
    assert abs(images[7][cell][scar].mean() - images[7][cell][~scar].mean()) > 1.0


def test_other_changes_of_backscatter_do_not_show_in_the_optical_bands():
    rng, ground = _one_cell(1, "sar change", scar="")
    assert np.abs(ground.change_db).max() > 1.5 and ground.soil.max() == 0 and ground.scar.max() == 0


# --------------------------------------------------------------------------------------------------- the files


def test_the_dataset_file_holds_the_patches_and_says_what_is_simulated(tmp_path, small):
    dataset = write_demo(tmp_path / "demo.h5", 120, 3)
    assert np.array_equal(dataset.images(), small.images) and np.array_equal(dataset.masks(), small.masks)
    assert np.array_equal(dataset.labels, small.labels) and np.array_equal(dataset.groups, small.groups)
    assert tuple(dataset.bands) == ZINDI_BANDS and dataset.positive == "landslide"
    assert (dataset.source, dataset.licence, dataset.facts["simulated"]) == ("simulated", "CC0", True)
    assert dataset.facts["flipped_ids"] == list(small.flipped) and dataset.facts["seed"] == 3
    assert dataset.planted_ids == set(small.flipped) and small.flipped
    assert [tuple(pair) for pair in dataset.facts["near_duplicates"]] == list(small.near_duplicates)
    assert list(dataset.columns["scenario"]) == list(small.scenario)
    assert list(dataset.columns["near_duplicate_of"]) == list(small.near_duplicate_of)
    assert np.array_equal(dataset.columns["true_label"], small.true_labels)
    assert dataset.columns["cloud_share"] == pytest.approx(small.cloud_share)
    assert dataset.columns["scar_share"] == pytest.approx(small.scar_share)


def test_the_dataset_file_has_the_same_content_for_the_same_seed(tmp_path):
    a, b, c = (write_demo(tmp_path / f"{k}.h5", 60, seed) for k, seed in enumerate((5, 5, 6)))
    assert a.content_hash == b.content_hash != c.content_hash


def write_zindi_layout(folder, n, seed, n_test):
    """Patches as the challenge ships them, with a test part of another seed; returns the training patches."""
    train, test = simulate(n, seed), simulate(n_test, seed + 1)
    test_ids = [f"test_{i}" for i in test.ids]
    for name, ids, images in (("train_data", train.ids, train.images), ("test_data", test_ids, test.images)):
        (folder / name).mkdir(parents=True)
        for i, image in zip(ids, images, strict=True):
            np.save(folder / name / f"{i}.npy", np.ascontiguousarray(image.transpose(1, 2, 0), dtype=np.float64))
    rows = [f"{i},{label}" for i, label in zip(train.ids, train.labels, strict=True)]
    (folder / "Train.csv").write_text("\n".join(["ID,label", *rows]) + "\n", encoding="utf-8")
    (folder / "Test.csv").write_text("\n".join(["ID", *test_ids]) + "\n", encoding="utf-8")
    return train


def test_zindis_layout_is_read_by_its_reader(tmp_path):
    train = write_zindi_layout(tmp_path / "zindi", 60, 3, n_test=60)
    array = np.load(tmp_path / "zindi" / "train_data" / f"{train.ids[0]}.npy")
    assert array.shape == (64, 64, 12) and array.dtype == np.float64
    report = drain(ingest("zindi", tmp_path / "zindi", tmp_path / "zindi.h5", options=ReaderOptions()))
    dataset = open_dataset(report.dataset)
    labelled = dataset.index_of(train.ids)
    assert np.array_equal(dataset.images(labelled), train.images)
    assert np.array_equal(dataset.labels[labelled], train.labels)
    assert (tmp_path / "zindi" / "Test.csv").read_text().splitlines()[1] == "test_demo_00000"


def test_pairs_show_the_same_ground_before_and_after_with_the_scar_after_alone():
    made, sensors = simulate(120, 3, pairs=True), simulate(120, 3)
    assert made.images.shape == (120, 6, 64, 64) and np.array_equal(made.labels, sensors.labels)
    clear = made.cloud_share < 0.01
    scar = made.masks[clear].astype(bool)
    change = (made.images[clear, :3] - made.images[clear, 3:]).mean(axis=1)
    with_scar = scar.any(axis=(1, 2))
    inside = np.array([change[i][scar[i]].mean() - change[i][~scar[i]].mean() for i in np.flatnonzero(with_scar)])
    assert (inside > 0).mean() > 0.9, "fresh scars are brighter than what was there"
    alike = [np.corrcoef(a[~m].ravel(), b[~m].ravel())[0, 1]
             for a, b, m in zip(made.images[clear, 0], made.images[clear, 3], scar, strict=True)]  # fmt: skip
    assert np.median(alike) > 0.5, "the rest is the same ground"
