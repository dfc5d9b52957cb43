"""The command of experiments: its table, its JSON, and what it says of what cannot be asked."""

import pytest

from tests.command_line import core, core_json
from tests.core.analyses.test_ablate import SETTINGS
from tests.in_process import jobs_in_this_process

GRID = ("grid", "--preset", "demo", "--vary", "train.lr=0.003,0.01")
SET = [f"--set={one}" for one in SETTINGS if not one.startswith("train.lr")]


def test_it_prints_a_table_and_the_same_as_json(tiny_dataset, tmp_path):
    where = ("--checkpoints", str(tmp_path))
    with jobs_in_this_process():
        told = core("ablate", str(tiny_dataset), *GRID, *SET, *where).stdout
        found = core_json("ablate", str(tiny_dataset), *GRID, *SET, *where)
    assert "Out-of-fold F1 (95%)" in told and "lr 0.003" in told and "Highest F1: lr 0.0" in told
    assert (found["kind"], found["baseline"], found["budget"]) == ("grid", "train.lr=0.003", "full")
    first, second = found["rows"]
    assert {"f1", "f1_interval", "auc", "auc_interval"} <= set(first["oof"]) and first["state"] == "succeeded"
    assert {"difference", "lo", "hi", "p", "p_holm", "settled"} <= set(second["difference"]["f1"])
    assert len(list(tmp_path.glob("2*"))) == 2, "the second time nothing was trained"


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        (("tabel2",), "There is no experiment 'tabel2'"),
        (("grid",), "needs something to vary"),
        (("grid", "--vary", "train.lr=0.1"), "names no values to compare"),
        (("table2", "--preset", "huge"), "There is no preset 'huge'"),
    ],
)
def test_what_cannot_be_asked_is_a_sentence(asked, says, tiny_dataset, tmp_path):
    answer = core("ablate", str(tiny_dataset), *asked, "--checkpoints", str(tmp_path), check=False)
    assert answer.returncode == 1 and says in answer.stderr and "Traceback" not in answer.stderr
