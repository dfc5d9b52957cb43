"""Every example of README and docs is run to its end, on tiny data with the names that the example uses.

An example runs as it is typed, once ``RUN`` and its like are replaced. What cannot run here is excluded with a reason;
an example that needs a name which is not there fails, and so says that it needs an entry here.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import subprocess
import sys
import warnings
from importlib.util import find_spec
from pathlib import Path

import pytest

from core.config import RunConfig
from core.data.readers.layouts.published import LAYOUTS
from core.runs.store import RunFolder
from tests.command_line import core, core_json
from tests.core.flow.test_real_flow import FOUR_BANDS, RGB
from tests.examples import ROOT, documents, programs, shown
from tests.in_process import jobs_in_this_process

REAL = os.environ.get("LANDSLIDE_REAL_DATA")
SHORT = ("train.epochs=1", "train.warmup_epochs=0", "folds.n_splits=2", "embed.method=pca", "device=cpu")
# Of an example that trains and names no network or preset for its network: what that is, is not what it shows.
SMALL = ("model.backbone=test_resnet", "model.arguments={}", "model.pretrained=false")
NAMED = ("model.backbone", "--preset transfer", "--preset columns")
FEW_HEADS = ("heads.svm_C=[0.1]",)
WHOLE = ("python -m core demo", "python -m core train F.h5 --preset small ")  # with network and heads of the preset
FEW = (*FEW_HEADS, "heads.lgbm=false", "explain.enabled=false")
SCENES = (  # the import whose result docs/import.md trains on
    "python -m core ingest geotiff chittagong-s2-4band/raw --out scenes.h5 --tile 64 --mask-value 1 "
    "--mask-threshold 0.001 --bands red,green,blue,nir"
)
JUDGED = "python -m core review RUN --import judged.csv"
CORRECTED = "python -m core review RUN --make-version WHY --by NAME"
SEARCHED = (  # one trial of a tiny network
    "checkpoints/datasets/demo.h5 --trials 1 --preset demo --set model.backbone=test_resnet --set model.arguments={} "
    "--set heads.head=fc --share 0.3"
)
# Where the placeholders of an example mean something of their own, or several commands are written as one.
MEANT: dict[str, tuple[str, ...]] = {
    "python -m core COMMAND --help": ("python -m core train --help",),
    "python -m core ingest FORMAT SOURCE --out F.h5": ("python -m core ingest auto my-patches --out auto.h5",),
    "python -m core ingest zindi SOURCE --out checkpoints/datasets/zindi.h5": (
        "python -m core ingest zindi zindi --out checkpoints/datasets/zindi.h5",
    ),
    "python -m core ingest before_after SOURCE --out pairs.h5": (
        "python -m core ingest before_after pairs --out pairs.h5",
    ),
    "python -m core bands [NAME ...]": ("python -m core bands", "python -m core bands B2 B3 B4 B8"),
    "python -m core model NAME": ("python -m core model resnet18",),
    "python -m core model NAME [NAME ...]": ("python -m core model resnet18 mobilenetv4_conv_small",),
    "python -m core train F.h5 --preset small [--set section.key=value ...]": (
        "python -m core train F.h5 --preset small --set train.batch_size=16 --set augment.mix_prob=0",
    ),
    # Fewer promises can be kept on 16 landslides than on the hundreds that such a target is for.
    "python -m core predict RUN SOURCE --out p.csv --miss-rate 0.05": (
        "python -m core predict RUN SOURCE --out p.csv --miss-rate 0.3",
    ),
    "python -m core predict RUN SOURCE --out p.csv --missed-per-1000 1 --prevalence 0.02": (
        "python -m core predict RUN SOURCE --out p.csv --missed-per-1000 200 --prevalence 0.3",
    ),
    "python -m core prevalence RUN|F.h5 0.02": (
        "python -m core prevalence RUN 0.02", "python -m core prevalence F.h5 0.02",
    ),
    "python -m core compare RUN RUN ...": ("python -m core compare RUN balanced",),
    "python -m core report RUN --against OTHER --out comparison.html": (
        "python -m core report RUN --against balanced --out comparison.html",
    ),
    "python -m core report RUN --scene after --out scene.html": (
        "python -m core analyse scene_map RUN --scene after.tif",
        "python -m core report RUN --scene after --out scene.html",
    ),
    "python -m core ensemble RUN RUN:fc eva.csv --out three": (
        "python -m core ensemble RUN trained:fc --out two",
    ),
    "python -m core ensemble oof_eva.csv RUN:lgbm RUN:svm_c10 --out together": (
        "python -m core ensemble RUN trained:fc --out together",
    ),
    "python -m core ensemble-predict three 1=a.csv 2=a.csv 3=eva-new.csv --out p.csv": (
        "python -m core ensemble RUN trained:fc --out again",
        "python -m core predict RUN SOURCE --out a.csv",
        "python -m core ensemble-predict again 1=a.csv 2=a.csv --out p.csv",
    ),
    "python -m core ablate F.h5 grid --vary train.lr=0.001,0.003": (
        "python -m core ablate F.h5 grid --vary train.lr=0.001,0.003 --preset demo --set model.backbone=test_resnet "
        "--set model.arguments={}",
    ),
    "python -m core search F.h5 --trials 20": (f"python -m core search {SEARCHED}",),
    "python -m core search F.h5 --trials 20 --preset demo --vary train.lr=log:0.0005..0.02 --vary "
    "smote.enabled=true,false": (
        f"python -m core search {SEARCHED} --vary train.lr=log:0.0005..0.02 --vary smote.enabled=true,false",
    ),
    "python -m core search F.h5 --trials 20 --preset demo --sampler pso --metric auc": (
        f"python -m core search {SEARCHED} --sampler pso --metric auc",
    ),
    "python -m core search F.h5 --trials 8 --preset demo --judge nested --outer-folds 2": (
        f"python -m core search {SEARCHED} --judge nested --outer-folds 2",
    ),
    "python -m core analyse NAME TARGET": ("python -m core analyse dataset_check F.h5",),
    "python -m core analyse inventory_join F.h5 --files coolr.csv": (
        "python -m core analyse inventory_join placed.h5 --files coolr.csv",
    ),
    "python -m core analyse locked_test RUN": ("python -m core analyse locked_test held",),
    "python -m core analyse where RUN": ("python -m core analyse where outlined --patches 10 --stride 8",),
    "python -m core train F.h5 --set model.backbone=unet_resnet18 --set model.masks=true": (
        "python -m core train masked.h5 --set model.backbone=unet_test_resnet --set model.masks=true "
        "--set model.arguments={} --set train.tta=false",
    ),
    "python -m core train zindi-columns.h5 --preset columns --set folds.seed=42 "
    "--set 'heads.svm_C=[10,1,0.75,0.5,0.1]'": (
        "python -m core ingest columns train_band_statistics.csv --out zindi-columns.h5",
        "python -m core train zindi-columns.h5 --preset columns --set folds.seed=42",
    ),
    "python -m core train checkpoints/datasets/mine.h5 --preset transfer": (  # at 64 pixels in place of 96
        "python -m core train checkpoints/datasets/mine.h5 --preset transfer --set model.image_size=64",
    ),
    "python -m core train scenes.h5": (SCENES, "python -m core train scenes.h5"),
    "python -m core audit smote RUN": ("python -m core audit smote balanced",),
    "python -m core audit smote RUN --realism": ("python -m core audit smote balanced --realism",),
    "python -m core jobs show JOB": (
        "python -m core jobs show RUN", "python -m core jobs cancel WAITING", "python -m core jobs retry ASKED",
    ),
    "python -m core jobs priority JOB first": ("python -m core jobs priority WAITING first",),
    "python -m core jobs pause JOB": ("python -m core jobs pause WAITING", "python -m core jobs go-on WAITING"),
    "python -m core jobs go-on JOB": ("python -m core jobs go-on WAITING",),
    "python -m core jobs after JOB OTHER": ("python -m core jobs after WAITING RUN",),
    "python -m core jobs pause": ("python -m core jobs pause", "python -m core jobs go-on"),
    "python -m core jobs webhook https://host/path": (
        "python -m core jobs webhook https://host/path", "python -m core jobs webhook off",
    ),
    "python -m core jobs resume RUN --wait": ("python -m core jobs resume BROKEN --wait",),
    'python -m core review RUN --make-version "first review" --by NAME': (JUDGED, CORRECTED),
    "python -m core review RUN --make-version WHY --by NAME": (JUDGED, CORRECTED),
    "python -m core review RUN --labels v1": (JUDGED, CORRECTED, "python -m core review RUN --labels v1"),
    "python -m core review RUN --against OTHER": ("python -m core review RUN --against fc",),
    "python -m core train F.h5 --set data.labels=v1": (
        JUDGED, CORRECTED, "python -m core train before/trained/tiny.h5 --set data.labels=v1",
    ),
}  # fmt: skip
EXCLUDED = {
    "python -m core analyse clouds": "needs ukis-csmask; its test has a small network",
    "python -m core analyse scene_clouds": "needs ukis-csmask; its test has a small network",
    "python -m core train F.h5 --preset board2-two": "needs a GPU",
    "python -m core analyse robustness RUN --max-cloud": "needs a column of clouds",
    "python -m core analyse next_patches ": "needs unlabelled patches; tests/core/analyses/review has a run with some",
    "python -m core ablate F.h5 table": "trains up to eight networks; tests/core/analyses/test_ablate.py trains two",
    "python -m core ablate F.h5 unfreeze ": "trains thirteen networks; tests/core/analyses/test_ablate.py trains two",
    "python -m core jobs executor ray ": "sends every later example there; tests/core/jobs/executors has a cluster",
    "python -m core train F.h5 --set jobs.executor=ray ": "starts a cluster; tests/core/jobs/executors has one",
    "python -m core train F.h5 --preset table2-smote": "needs a GPU",
    "export LANDSLIDE_JOBS=": "a setting of the shell; tests/core/jobs/executors uses it",
    "export RAY_AUTH_MODE=": "a setting of the shell; tests/core/jobs/executors uses it",
    "make ": "makes an environment and downloads; .ci and people run it",
    "pip ": "downloads",
    "streamlit ": "serves until it is stopped; tests/dashboard opens every page",
    "python -m tests.faults.": "takes defences out for an hour; tests/faults/test_table.py reads what came",
    "python -m tests.killed_jobs": "kills some fifty trainings; tests/core/flow/test_killed_jobs.py kills a few",
    "python -m benchmarks.": "takes minutes to hours on real data; that the module is there is checked below",
}
HERE = ("--checkpoints", "checkpoints")  # of the folder in which the example is typed, not of this repository
LONG = ("--repeats",)  # several trainings


def examples() -> dict[str, str]:
    """Example -> the documents that show it."""
    found: dict[str, list[str]] = {}
    for path in documents():
        for example in shown(path.read_text(encoding="utf-8")):
            found.setdefault(example, []).append(path.name)
    return {example: ", ".join(dict.fromkeys(names)) for example, names in found.items()}


EXAMPLES = examples()
# tests/core/data/readers/layouts/test_published.py makes each of these layouts and imports it with its command.
OF_LAYOUTS = {layout.command for layout in LAYOUTS}
RUN_HERE = [one for one in EXAMPLES if not one.startswith(tuple(EXCLUDED)) and one not in OF_LAYOUTS]
LONG_ONES = [one for one in RUN_HERE if any(word in one for word in LONG)]


def short_name(example: str) -> str:
    return example.removeprefix("python -m core ")


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    """A folder in which examples are typed that name no run."""
    from tests.example_data import write_all

    folder = tmp_path_factory.mktemp("home")
    write_all(folder)
    (folder / "checkpoints" / "datasets").mkdir(parents=True)
    return folder


@pytest.fixture(scope="module")
def home(sources, trained_run, balanced_run, outlined_run):
    """The folder in which examples are typed: what they name, and runs of three kinds among the checkpoints."""
    from tests.builders import TINY, make_tiny
    from tests.example_data import with_test_part
    from tests.trained_runs import QUICK, copied, train_tiny

    folder = sources
    runs = {"trained": trained_run, "balanced": balanced_run, "broken": trained_run, "outlined": outlined_run}
    for name, run in runs.items():
        there = copied(run, folder / "before" / name)
        shutil.move(there.path, folder / "checkpoints" / name)
    RunFolder(folder / "checkpoints" / "broken").write_status(state="interrupted")
    settings = RunConfig().with_overrides([*TINY, *QUICK])
    held = train_tiny(folder / "checkpoints", with_test_part(folder / "split.h5"), settings, "held")
    held.path.rename(folder / "checkpoints" / "held")
    make_tiny(folder / "masked.h5", masks=True)
    make_tiny(folder / "checkpoints" / "datasets" / "demo.h5", n=60)
    make_tiny(folder / "checkpoints" / "datasets" / "mine.h5", seed=3)
    _published_weights(folder)
    return folder


def _published_weights(folder: Path) -> None:
    """A pickled file of a published network, converted by the program of docs/weights.md."""
    import timm
    import torch

    torch.save(timm.create_model("resnet18", in_chans=13, num_classes=0).state_dict(), folder / "s2_resnet18.pth")
    (program,) = programs((ROOT / "docs" / "weights.md").read_text(encoding="utf-8"))
    with contextlib.chdir(folder), warnings.catch_warnings(action="ignore", category=ResourceWarning):
        exec(program, {})


def typed(command: str) -> list[str]:
    """The arguments of ``python -m core``, short where a network is trained."""
    names = {"RUN": "trained", "SOURCE": "my-patches", "BROKEN": "broken"}
    if "WAITING" in command:
        names["WAITING"] = waiting()
    if "ASKED" in command:
        names["ASKED"] = asked()
    words = [names.get(word, word) for word in shlex.split(command)[3:]]
    if words[0] in ("train", "demo", "estimate", "ablate", "search"):
        network = () if any(word in command for word in NAMED) else SMALL
        less = () if command.startswith(WHOLE) else (*FEW_HEADS, *network)
        few = FEW if "--repeats" in words else ()
        words += [f"--set={setting}" for setting in dict.fromkeys((*SHORT, *less, *few))]
    if words[0] == "ingest":
        words.append("--replace")  # several examples write one file
    return words if "--help" in words else [*words, *HERE]


def waiting() -> str:
    """A job that waits behind another one."""
    jobs = [core("model", name, "--detach", *HERE).stdout.strip() for name in ("resnet18", "resnet34")]
    assert "queued" in core("jobs", "show", jobs[1], *HERE).stdout
    return jobs[1]


def asked() -> str:
    """An analysis that has ended."""
    with jobs_in_this_process():
        core("model", "resnet18", *HERE)
    lines = core("jobs", "list", *HERE).stdout.splitlines()
    return next(line.split()[1] for line in lines if "/" in line and line.startswith("succeeded"))


@pytest.mark.parametrize("example", [one for one in RUN_HERE if one not in LONG_ONES], ids=short_name)
def test_an_example_runs_to_its_end(example, home, monkeypatch):
    runs_to_its_end(example, home, monkeypatch)


@pytest.mark.slow
@pytest.mark.parametrize("example", LONG_ONES, ids=short_name)
def test_a_long_example_runs_to_its_end(example, sources, monkeypatch):
    runs_to_its_end(example, sources, monkeypatch)


def runs_to_its_end(example, home, monkeypatch):
    monkeypatch.chdir(home)
    for command in MEANT.get(example, (example,)):
        with jobs_in_this_process():
            answer = core(*typed(command), check=False)
        assert answer.returncode == 0, f"{EXAMPLES[example]}: {command}\n{answer.stdout}{answer.stderr}"
        assert answer.stdout.strip(), f"{command} said nothing"


def test_what_is_not_run_says_why_and_what_is_meant_is_shown():
    assert set(MEANT) <= set(EXAMPLES), "an example that no document shows any more"
    for start in EXCLUDED:
        assert any(example.startswith(start) for example in EXAMPLES), start
    for example in EXAMPLES:
        assert example.startswith(("python -m core ", *EXCLUDED)), f"neither run nor excluded: {example}"


def test_scripts_and_targets_that_are_named_are_there():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for example in EXAMPLES:
        words = example.split()
        if words[:2] == ["python", "-m"]:
            assert find_spec(words[2]), example
        if words[0] == "make":
            assert all(f"\n{target}:" in makefile for target in words[1:]), example


@pytest.mark.slow
def test_the_programs_of_commands_md_run_in_a_python_of_their_own():
    """Without its first lines the same program stops, where torchvision was built for another torch."""
    (program,) = programs((ROOT / "docs" / "commands.md").read_text(encoding="utf-8"))
    for lines in (program, "import core.train\nimport timm"):
        done = subprocess.run([sys.executable, "-c", lines], capture_output=True, text=True, cwd=ROOT)
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(("data", "options"), [("landslide4sense-rgb", RGB), ("chittagong-s2-4band", FOUR_BANDS)])
def test_what_is_shown_of_real_patches_is_what_the_real_flow_does(data, options):
    """tests/core/flow/test_real_flow.py imports both, judges the first and trains on the second."""
    (example,) = (one for one in RUN_HERE if f" ingest folders {data} " in one)
    assert example.partition(".h5 ")[2] == options


@pytest.mark.slow
@pytest.mark.skipif(not REAL, reason="LANDSLIDE_REAL_DATA is not set: no real data here")
def test_tiles_of_real_scenes_can_be_trained_on(tmp_path, monkeypatch):
    """They were one group once, which no folds can be drawn from."""
    from tests.builders import TINY

    monkeypatch.chdir(tmp_path)
    assert SCENES in RUN_HERE
    words = shlex.split(SCENES)[3:]
    words[2] = str(Path(REAL) / words[2])
    settings = [f"--set={setting}" for setting in (*TINY, *SHORT, *FEW, "model.image_size=32")]
    with jobs_in_this_process():
        assert core_json(*words, *HERE)["n"] > 100
        found = core_json("train", "scenes.h5", "--preset", "demo", *settings, *HERE)
    assert found["oof"]["n"] > 100 and 0 <= found["oof"]["f1"] <= 1
