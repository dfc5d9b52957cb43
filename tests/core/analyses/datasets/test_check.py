"""The dataset check as an analysis: the report as it was found, and of which state of the dataset it speaks."""

import numpy as np
import pytest

from core.analyses.datasets import check as dataset_check
from core.analyses.datasets.state import is_current
from core.data import exclusions
from core.data.check import check
from core.data.exclusions import labels_in_use
from core.data.leakage.split_audit import leaks_path
from core.data.store import open_dataset
from core.progress import drain
from core.runs.targets import DatasetTarget
from tests.builders import make_dataset
from tests.command_line import core, core_json

pytestmark = pytest.mark.usefixtures("jobs_here")


def target_of(tmp_path):
    make_dataset(tmp_path / "datasets" / "tiny.h5", n=30)
    return DatasetTarget(tmp_path / "datasets" / "tiny.h5", tmp_path)


def test_what_is_read_is_what_was_found(tmp_path):
    target = target_of(tmp_path)
    data = open_dataset(target.path)
    assert dataset_check.read(target) is None
    result = drain(dataset_check.ANALYSIS.start(target))
    found = dataset_check.read(target)
    assert found.report == drain(check(data)) and result["ok"] and "0 errors" in result["message"]
    assert is_current(found.facts, data) and leaks_path(target.path).is_file()


def test_excluded_patches_count_as_unlabelled_and_make_an_earlier_report_outdated(tmp_path):
    target = target_of(tmp_path)
    data = open_dataset(target.path)
    drain(dataset_check.ANALYSIS.start(target))
    out = data.ids[data.labels == 1].tolist()
    exclusions.add(target.path, out, "looked at")
    assert not is_current(dataset_check.read(target).facts, data)
    assert (labels_in_use(data)[data.index_of(out)] == -1).all() and np.array_equal(
        data.labels, open_dataset(target.path).labels
    )
    assert not drain(dataset_check.ANALYSIS.start(target))["ok"]
    found = dataset_check.read(target)
    assert is_current(found.facts, data) and found.report.rows[0].what == "There is one class only"


def test_the_command_prints_the_report_and_its_status_says_whether_one_may_train(tmp_path):
    target = target_of(tmp_path)
    value = core_json("check", target.path, "--checkpoints", tmp_path)
    assert value == {"ok": True, "rows": value["rows"], "files": value["files"]}
    keys = ["severity", "what", "where", "n", "share", "advice", "ids", "pairs", "bands", "share_of", "topic"]
    assert all(list(row) == keys for row in value["rows"])
    assert core_json("jobs", "list", "--checkpoints", tmp_path)["jobs"][0]["analysis"] == "dataset_check"
    data = open_dataset(target.path)
    exclusions.add(target.path, data.ids[data.labels == 1].tolist(), "looked at")
    answer = core("check", target.path, "--checkpoints", tmp_path, check=False)
    assert answer.returncode == 1 and "cannot be trained on" in answer.stderr and "one class only" in answer.stdout
