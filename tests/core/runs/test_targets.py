"""What can be asked about beside a run, and where its results and jobs lie."""

import shutil

from core.jobs.analysis_folder import create, list_for
from core.runs.targets import CheckpointsTarget, DatasetTarget


def target(root, name="a.h5"):
    path = root / "datasets" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return DatasetTarget(path, root)


def test_results_and_jobs_of_a_dataset_move_with_the_checkpoints_folder(tmp_path):
    here = target(tmp_path / "here")
    here.results("leakage").write_json("report.json", {"n": 1})
    create(here, "leakage", {"seed": 0})
    shutil.copytree(tmp_path / "here", tmp_path / "there")
    there = target(tmp_path / "there")
    assert there.results("leakage").json("report.json") == {"n": 1}
    (job,) = list_for(there, "leakage")
    assert job.target() == there and job.dataset_path() == there.path


def test_a_dataset_elsewhere_is_told_by_its_whole_path(tmp_path):
    far = DatasetTarget(tmp_path / "far" / "a.h5", tmp_path / "here")
    near = target(tmp_path / "here")
    assert far.name == near.name and far.results("x").path != near.results("x").path
    job = create(far, "leakage")
    assert job.target() == far and list_for(near) == []


def test_a_checkpoints_folder_keeps_its_own(tmp_path):
    whole = CheckpointsTarget(tmp_path)
    job = create(whole, "import_dataset", {"source": "x"})
    assert job.target() == whole and job.name.startswith("datasets/import_dataset-") and job.dataset_path() is None
