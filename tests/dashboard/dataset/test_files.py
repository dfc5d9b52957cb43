"""Shortcuts in the files on the Check view: a picture where there are any, a sentence where there are none."""

import numpy as np

from core.analyses.datasets.check import ANALYSIS
from core.data.store import DatasetWriter, open_dataset
from core.progress import drain


def with_files(studio, files):
    """The tiny dataset, its files as given by label."""
    data = open_dataset(studio.add_dataset("plain"))
    path = studio.checkpoints / "datasets" / "filed.h5"
    with DatasetWriter(
        path, bands=data.bands, shape_hw=data.shape[1:], class_names=data.class_names, source=""
    ) as writer:
        writer.append(data.images(), data.labels, data.ids.tolist(), files=files(data.labels))
        writer.finish()
    data.path.unlink()
    return path


def checked(studio, open_page, path):
    drain(ANALYSIS.start(studio.dataset_target(path)))
    return open_page("dataset", dataset_view="check")


def test_a_size_that_tells_the_label_is_told_with_pictures(studio, open_page):
    rng = np.random.default_rng(0)
    path = with_files(studio, lambda y: {"width": np.where(y == 1, 300, 200) + rng.integers(0, 50, len(y)),
                                         "height": rng.integers(100, 150, len(y))})  # fmt: skip
    at = checked(studio, open_page, path)
    assert not at.exception and any("Picture size alone tells" in m.value for m in at.markdown)
    assert any(h.value == "Shortcuts in the files" for h in at.header) and len(at.get("plotly_chart")) == 2


def test_names_alone_stay_in_an_expander_and_old_datasets_say_what_to_do(studio, open_page):
    path = with_files(studio, lambda y: {"name_pattern": np.where(y == 1, "ls_#", "no_#"), "format": ["PNG"] * len(y)})
    at = checked(studio, open_page, path)
    assert not at.exception and not any(h.value == "Shortcuts in the files" for h in at.header)
    assert any("Shortcuts in the files: nothing" in e.label for e in at.expander)
    path.unlink()
    at = checked(studio, open_page, studio.add_dataset())
    assert not at.exception and any("Import the source again" in c.value for c in at.caption)


def test_a_report_from_before_asks_for_another_check(studio, open_page):
    path = studio.add_dataset()
    drain(ANALYSIS.start(studio.dataset_target(path)))
    results = studio.dataset_target(path).results(ANALYSIS.name)
    kept = results.json("report.json")
    del kept["files"]
    results.write_json("report.json", kept)
    at = open_page("dataset", dataset_view="check")
    assert not at.exception and any("was not looked at yet" in c.value for c in at.caption)
