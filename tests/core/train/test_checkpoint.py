import json
import os
import resource
import subprocess
import sys

import numpy as np
import pytest

from core.errors import TrainingError
from core.train.checkpoint import newest_checkpoint, save_checkpoint


@pytest.fixture
def folder(tmp_path):
    for epoch in (1, 2, 3):
        save_checkpoint(tmp_path / "resume", epoch, {"w": np.full(50, epoch, np.float32)}, {"updates": 10 * epoch})
    return tmp_path / "resume"


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def flip_a_byte(path, position=-3):
    content = bytearray(path.read_bytes())
    content[position] ^= 1
    path.write_bytes(content)


def cut_short(path):
    path.write_bytes(path.read_bytes()[:-7])


def test_nothing_there_is_a_fresh_start(tmp_path):
    assert newest_checkpoint(None) is None
    assert newest_checkpoint(tmp_path / "missing") is None
    assert newest_checkpoint(tmp_path) is None


def test_the_newest_is_found_and_two_are_kept(folder):
    found = newest_checkpoint(folder)
    assert (found.epoch, found.facts["updates"], found.damaged) == (3, 30, ())
    assert found.load()["w"].tolist() == [3.0] * 50
    assert names(folder) == [f"epoch_000{e}.{suffix}" for e in (2, 3) for suffix in ("json", "safetensors")]


@pytest.mark.fault(2)
@pytest.mark.parametrize("harm", [flip_a_byte, cut_short, lambda path: path.unlink(), lambda path: path.write_text("")])
@pytest.mark.parametrize("suffix", ["safetensors", "json"])
def test_a_damaged_newest_gives_the_one_before_and_says_so(folder, harm, suffix):
    harm(folder / f"epoch_0003.{suffix}")
    found = newest_checkpoint(folder)
    assert found.epoch == 2 and found.load()["w"][0] == 2
    card_is_gone = not (folder / "epoch_0003.json").exists()  # without its card a checkpoint was never complete
    assert found.damaged == (() if card_is_gone else ("epoch_0003",))


@pytest.mark.fault(2)
def test_a_card_that_was_changed_is_damaged(folder):
    card = json.loads((folder / "epoch_0003.json").read_text())
    (folder / "epoch_0003.json").write_text(json.dumps({**card, "updates": 31}))
    assert newest_checkpoint(folder).epoch == 2


@pytest.mark.fault(1, 2)
def test_when_all_are_damaged_nothing_starts_from_zero_unnoticed(folder):
    for path in folder.glob("*.safetensors"):
        flip_a_byte(path)
    with pytest.raises(TrainingError, match="Every checkpoint .* is damaged .*epoch_0003, epoch_0002"):
        newest_checkpoint(folder)


@pytest.mark.fault(1)
def test_a_save_broken_off_before_its_card_does_not_exist_and_is_swept_away(folder):
    (folder / "epoch_0004.safetensors").write_bytes(b"half")
    (folder / "epoch_0004.json.partial").write_bytes(b"{")
    assert newest_checkpoint(folder).epoch == 3
    save_checkpoint(folder, 4, {"w": np.zeros(2, np.float32)}, {})
    save_checkpoint(folder, 5, {"w": np.zeros(2, np.float32)}, {})
    assert newest_checkpoint(folder).epoch == 5
    assert {name.split(".")[0] for name in names(folder)} == {"epoch_0004", "epoch_0005"}


def test_epochs_are_ordered_as_numbers(tmp_path):
    for epoch in (9999, 10000):
        save_checkpoint(tmp_path, epoch, {"w": np.zeros(1, np.float32)}, {})
    assert newest_checkpoint(tmp_path).epoch == 10000


def test_strange_files_are_left_alone(folder):
    (folder / "notes.json").write_text("mine")
    save_checkpoint(folder, 4, {"w": np.zeros(2, np.float32)}, {})
    assert (folder / "notes.json").read_text() == "mine"


@pytest.mark.fault(7)
def test_a_full_disk_says_so_and_leaves_the_checkpoint_before(folder):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))
    try:
        with pytest.raises(TrainingError, match="epoch 4 could not be written.*Free some space.*is intact"):
            save_checkpoint(folder, 4, {"w": np.zeros(100_000, np.float32)}, {})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert newest_checkpoint(folder).epoch == 3 and newest_checkpoint(folder).damaged == ()


KILLED_AT_EVERY_STEP = """
import os, shutil, sys
from pathlib import Path
import numpy as np
from core.train.checkpoint import newest_checkpoint, save_checkpoint

root = Path(sys.argv[1])
for epoch in (1, 2):
    save_checkpoint(root / "start", epoch, {"w": np.full(50, epoch, np.float32)}, {})
found = []
for step in range(100):
    folder = root / f"step{step}"
    shutil.copytree(root / "start", folder)
    child = os.fork()
    if child == 0:
        seen = 0
        def die(event, args):
            global seen
            if event in {"open", "os.rename", "os.remove", "os.chmod"} and str(args[0]).startswith(str(folder)):
                seen += 1
                if seen > step:
                    os._exit(9)  # as kill -9: no handler of ours runs
        sys.addaudithook(die)
        save_checkpoint(folder, 3, {"w": np.full(50, 3, np.float32)}, {})
        os._exit(0)
    _, status = os.waitpid(child, 0)
    checkpoint = newest_checkpoint(folder)
    assert checkpoint.load()["w"].tolist() == [float(checkpoint.epoch)] * 50 and not checkpoint.damaged
    found.append(checkpoint.epoch)
    save_checkpoint(folder, checkpoint.epoch + 1, {"w": np.zeros(2, np.float32)}, {})  # and it goes on from there
    if status == 0:
        break
print(*found)
"""


@pytest.mark.fault(1)
def test_killed_at_any_file_operation_of_a_save_the_newest_complete_one_is_found(tmp_path):
    command = [sys.executable, "-c", KILLED_AT_EVERY_STEP, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, env={**os.environ, "PYTHONPATH": "."})
    assert done.returncode == 0, done.stderr
    epochs = done.stdout.split()
    assert len(epochs) >= 8 and epochs == sorted(epochs) and set(epochs) == {"2", "3"}
