"""Files of runs, jobs and datasets are opened through ``core.io`` alone: a bare open follows links, waits for pipes."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
METHODS = {"open", "read_text", "read_bytes", "write_text", "write_bytes", "touch"}
CALLS = {
    "open", "io.open", "os.open", "os.fdopen", "np.load", "numpy.load", "np.save", "np.loadtxt", "np.fromfile",
    "load_file", "save_file", "safe_open", "pd.read_parquet", "pd.read_csv", "pd.read_json",
    "pq.read_table", "pq.ParquetFile", "pq.write_table", "h5py.File", "torch.load", "torch.save",
    "json.load", "shutil.copyfile", "shutil.copy",
    "sqlite3.connect",
}  # fmt: skip
# What is opened elsewhere, and what it is. Readers open what the user names, after they have looked at it.
ELSEWHERE = {
    "core/data/readers": "sources that the user names",
    "core/data/inventories/__init__.py": "an inventory that the user names; a plain file, looked at first",
    "core/data/inventories/join.py": "written through core.io.atomic.replacing",
    "core/data/names/reading.py": "the table of this program",
    "core/data/pictures/kept.py": "thumbnails, beside the runs; a plain file, looked at first",
    "core/data/scores_csv.py": "scores that the user names",
    "core/data/store/forgiving_file.py": "a new file of this process",
    "core/data/store/writer.py": "a new file of this process, through ForgivingFile",
    "core/data/store/chunks.py": "a dataset file that core.data.store.hdf5 has opened before",
    "core/data/store/hdf5.py": "after check_plain",
    "core/data/uploads.py": "a new file in a folder of its own",
    "core/jobs/claim.py": "the folder itself, to lock it",
    "core/jobs/executors/token.py": "a new file in a folder of this process, which must not be there before",
    "core/jobs/queue_db.py": "the queue, beside the runs",
    "core/jobs/webhook.py": "an address on the network that the user has set",
    "core/review/entry_file.py": "judgements, beside what is judged; a plain file, looked at first",
    "core/predict/export": "the file that the user asked for, from new files of this process",
    "core/predict/maps/vector_files.py": "the layers that the user asked for, from new files of this process",
    "core/predict/scene/rasters.py": "rasters that the user asked for, from new files of this process",
    "core/predict/submission.py": "the CSV that the user asked for",
    "core/train/networks/packaged.py": "weights only, from bytes that were read through core.io, their sha256 known",
    "core/train/networks/pretrained.py": "weights that the user names; their header is read first, through core.io",
    "dashboard/patches/tiles.py": "its own style and script, files of this program",
    "dashboard/predict/picture.py": "its own style and script, files of this program",
    "dashboard/results/sources/uploaded_scores.py": "an upload, in a temporary folder",
}
OF_CLASSES = {"PerturbedModel.open", "Image.open", "rasterio.open"}  # no files of ours


def opened(tree):
    """(line, what is called) of every call that opens a file by its name."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = ast.unparse(node.func)
        method = name.rpartition(".")[2] if isinstance(node.func, ast.Attribute) else ""
        is_ours = name.startswith(
            ("self.write_text", "run.write_text", "folder.write_text", "atomic.write_text", "plain_file.")
        )
        if name in CALLS or (method in METHODS and name not in OF_CLASSES and not is_ours and name not in CALLS):
            yield node.lineno, name


@pytest.mark.fault(25)
def test_files_are_opened_through_one_door():
    found = []
    for folder in ("core", "dashboard", "pages"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            relative = path.relative_to(ROOT).as_posix()
            if relative.startswith(("core/io/", *ELSEWHERE)):
                continue
            found += [f"{relative}:{line} {name}" for line, name in opened(ast.parse(path.read_text("utf-8")))]
    assert found == [], "open what lies in a run, job or dataset folder through core.io or core.runs.plain_files"


def test_every_exception_is_still_one():
    for relative in ELSEWHERE:
        path = ROOT / relative
        assert path.exists(), relative


@pytest.mark.parametrize(
    "code", ["open(p)", "p.read_text()", "path.open('rb')", "np.load(p)", "h5py.File(p)", "(a / b).write_text('x')"]
)
def test_the_door_is_looked_for(code):
    assert list(opened(ast.parse(code)))
