"""What a run is asked about is compared with what it was trained on: refused with the mend, told, or let be."""

import numpy as np
import pandas as pd
import pytest

from core.analyses.external_validation import ANALYSIS as EVALUATION
from core.analyses.external_validation import read as read_evaluations
from core.analyses.prediction import ANALYSIS as PREDICTION
from core.data.bands import RGB_BANDS, ZINDI_BANDS, Band
from core.data.store import DatasetWriter, open_dataset
from core.errors import FormatError
from core.predict.values import Watch, unit_factors, values_of_run, watched
from core.progress import drain
from tests.builders import make_tiny
from tests.command_line import core, core_json

pytestmark = pytest.mark.usefixtures("jobs_here")

DB = np.array([-10.4, -18.6], np.float32)
DN = np.array([1511.0, 1656.0, 1560.0, 2975.0], np.float32)


def row(band, values, plausible=(None, None)):
    keys = {"q01": 1, "q05": 5, "q25": 25, "q50": 50, "q75": 75, "q95": 95, "q99": 99}
    quantiles = {key: float(np.percentile(values, q)) for key, q in keys.items()}
    return {"name": band.name, "unit": band.unit, "family": band.family, **quantiles, "plausible": list(plausible)}


def patches(means, spreads, n=20, seed=1):
    noise = np.random.default_rng(seed).standard_normal((n, len(means), 16, 16))
    return (np.asarray(means)[:, None, None] + np.asarray(spreads)[:, None, None] * noise).astype(np.float32)


OPTICAL, RADAR = ZINDI_BANDS[:4], ZINDI_BANDS[4:6]
OPTICAL_ROWS = [row(b, v) for b, v in zip(OPTICAL, patches(DN, DN / 3, seed=0).swapaxes(0, 1), strict=True)]
RADAR_ROWS = [row(b, v) for b, v in zip(RADAR, patches(DB, [4, 5], seed=0).swapaxes(0, 1), strict=True)]


def seen(rows, images):
    watch = Watch("r", tuple(rows))
    out = watch.look(images)
    watch.refuse()
    return watch.warnings(), out


def test_another_place_and_season_is_let_be():
    assert seen(OPTICAL_ROWS, patches(DN, DN / 3))[0] == []
    assert seen(RADAR_ROWS, patches(DB - 2, [3, 4]))[0] == []
    clouds = patches(DN, DN / 3)
    clouds[:8] += 7000
    assert seen(OPTICAL_ROWS, clouds)[0] == []
    assert not any("units" in text for text in seen(OPTICAL_ROWS, patches(DN / 6, DN / 40, n=1))[0])  # a dark lake


@pytest.mark.fault(13)
@pytest.mark.parametrize(
    ("rows", "images", "said"),
    [
        (OPTICAL_ROWS, patches(DN / 1e4, DN / 3e4), "--unit reflectance"),
        (OPTICAL_ROWS, patches(DN / 4000 * 255, DN / 12000 * 255), "--unit"),
        (OPTICAL_ROWS, patches(DN * 0, DN * 0 + 1), "--unit"),  # standardised
        (RADAR_ROWS, 10 ** (patches(DB, [4, 5]) / 10), "as linear power has none"),
        ([r | {"q05": 0.01, "q01": 0.01, "q50": 0.1, "q95": 0.5, "q99": 1.0} for r in RADAR_ROWS], patches(DB, [4, 5]),
         "as dB are"),
    ],
)  # fmt: skip
def test_another_unit_is_refused_with_what_mends_it(rows, images, said):
    with pytest.raises(FormatError, match="not in the units that run 'r' was trained on") as told:
        seen(rows, images)
    assert said in str(told.value) and all(option in str(told.value) for option in ("--nodata", "--bands"))


def test_more_is_warned_of_than_refused():
    images = patches(DN, DN / 3)
    shifted = images + 5000
    assert (
        "Values outside the range" in seen(OPTICAL_ROWS, shifted)[0][0] and "red" in seen(OPTICAL_ROWS, shifted)[0][0]
    )
    swapped = images[:, [3, 1, 2, 0]]
    assert "red looks like nir and nir looks like red" in seen(OPTICAL_ROWS, swapped)[0][0].replace(", ", " and ")
    images[:, 2] = 7
    assert "constant in all patches" in seen(OPTICAL_ROWS, images)[0][0]
    images[:, 2] = np.nan
    assert "blue have no value in any patch" in seen(OPTICAL_ROWS, images)[0][0]


def test_no_data_that_nobody_stated_and_wild_values_become_nan():
    images = patches(DN, DN / 3)
    images[:5, :, :4], images[7, 1, 0, 0] = -9999, 1e30
    told, out = seen([r | {"plausible": [-5000.0, 2e5]} for r in OPTICAL_ROWS], images)
    assert "320 pixels are -9999 in all bands" in told[0] and "--nodata -9999" in told[0]
    assert "1 values far outside" in told[1] and np.isnan(out[:5, :, :4]).all() and np.isnan(out[7, 1, 0, 0])
    assert np.isnan(out).sum() == 5 * 4 * 4 * 16 + 1 and images[0, 0, 0, 0] == -9999  # a copy


def test_stated_units_are_converted_where_one_number_leads_from_one_to_the_other():
    told = []
    given = [Band(b.name, b.title, unit="reflectance") for b in OPTICAL]
    assert unit_factors("r", OPTICAL, given, told).tolist() == [1e4] * 4 and "times 10000" in told[0]
    with pytest.raises(FormatError, match="trained on other units"):
        unit_factors("r", RADAR, [Band(b.name, b.title, unit="linear") for b in RADAR], told)


def test_an_old_run_without_its_dataset_says_that_nothing_was_compared():
    told, batches = [], [(np.array(["a"]), patches(DN, DN, 1))]
    assert len(list(watched("r", iter(batches), None, told))) == 1 and "not compared" in told[0]


# ------------------------------------------------------------------------------------------------- whole commands


def dataset_of(run, path, images, nodata=None, labels=None):
    own = open_dataset(run.dataset_path())
    writer = DatasetWriter(
        path, bands=own.bands, shape_hw=own.shape[1:], class_names=own.class_names, source="made", nodata=nodata
    )
    with writer:
        writer.append(images, own.labels[: len(images)] if labels is None else labels, own.ids[: len(images)])
        return writer.finish()


def predicted(run, source, out, **options):
    value = drain(PREDICTION.start(run, {"source": str(source), "out": str(out), **options}))
    return value, pd.read_csv(out)


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """(60, 3, 32, 32): patches like the run's own, which it does not know."""
    path = make_tiny(tmp_path_factory.mktemp("unknown") / "new.h5", n=60, seed=99, signal=1.0)
    return open_dataset(path).images()


def test_another_nodata_value_than_the_training_sets_is_heeded(balanced_run, own, tmp_path):
    """-9999 in a sixth of the pixels gave one probability to all patches: it was read as a value."""
    gap = own.copy()
    gap[:, :, ::6] = np.nan
    marked = np.where(np.isnan(gap), -9999.0, gap)
    _, expected = predicted(balanced_run, dataset_of(balanced_run, tmp_path / "a.h5", gap).path, tmp_path / "a.csv")
    dataset = dataset_of(balanced_run, tmp_path / "b.h5", marked, nodata=-9999.0)
    _, found = predicted(balanced_run, dataset.path, tmp_path / "b.csv")
    np.testing.assert_array_equal(found["prob"], expected["prob"])
    _, whole = predicted(balanced_run, dataset_of(balanced_run, tmp_path / "c.h5", own).path, tmp_path / "c.csv")
    assert found["prob"].nunique() > 30 and np.corrcoef(found["prob"], whole["prob"])[0, 1] > 0.5
    unstated = dataset_of(balanced_run, tmp_path / "d.h5", marked)
    value, guessed = predicted(balanced_run, unstated.path, tmp_path / "d.csv")
    np.testing.assert_array_equal(guessed["prob"], expected["prob"])
    assert any("-9999" in text or "far outside" in text for text in value["warnings"])


def test_patches_without_data_have_no_answer(balanced_run_copy, own, tmp_path):
    images = own.copy()
    images[[3, 8]] = np.nan
    dataset = dataset_of(balanced_run_copy, tmp_path / "e.h5", images)
    value, table = predicted(balanced_run_copy, dataset.path, tmp_path / "e.csv")
    assert (value["n"], value["n_no_data"]) == (60, 2) and table["prob"].isna().to_numpy().nonzero()[0].tolist() == [
        3,
        8,
    ]
    assert table["pred"].isna().sum() == 2 and "2 of 60 patches hold no data and have no answer." in value["warnings"]
    drain(EVALUATION.start(balanced_run_copy, {"dataset": str(dataset.path)}))
    report = read_evaluations(balanced_run_copy)["e"].report
    assert report["n"] == 58 and any("2 of 60 patches hold no data" in note for note in report["notes"])
    assert np.isfinite(report["auc"])


def test_the_command_tells_in_text_and_json_and_refuses_another_unit(balanced_run_copy, own, tmp_path):
    balanced_run = balanced_run_copy
    folder = ("--checkpoints", balanced_run.checkpoints)
    shifted = dataset_of(balanced_run, tmp_path / "s.h5", own + 150)
    told = core("predict", balanced_run.name, shifted.path, "--out", tmp_path / "s.csv", *folder)
    value = core_json("predict", balanced_run.name, shifted.path, "--out", tmp_path / "s.csv", *folder)
    assert "Warning: Values outside the range" in told.stdout and value["warnings"]
    small = dataset_of(balanced_run, tmp_path / "u.h5", own / 255)
    with pytest.raises(FormatError, match="not in the units"):
        predicted(balanced_run, small.path, tmp_path / "u.csv")


def test_what_a_run_records_is_what_an_older_one_reads_from_its_dataset(balanced_run, balanced_run_copy):
    recorded = values_of_run(balanced_run)
    assert [r["name"] for r in recorded] == [b.name for b in RGB_BANDS] and recorded[0]["q50"] is not None
    facts = balanced_run_copy.provenance()
    facts.pop("values", None)
    balanced_run_copy.write_json("provenance.json", facts)
    assert values_of_run(balanced_run_copy) == recorded
