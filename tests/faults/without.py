"""Defences taken out one at a time: ``python -m tests.faults.without [LINE ...]`` tries them and writes seen.json.

``new`` in the place of the lines: only those that were never seen to fail.

Each removal is a change of one file of the program. The named test runs on a copy of the program that lacks the defence
and has to fail there; what was seen, and when, is the last column of docs/faults.md.
"""

from __future__ import annotations

import importlib
import json
import os
import shutil
import signal
import sys
import tempfile
import traceback
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SEEN = Path(__file__).with_name("seen.json")
COPIED = ("core", "benchmarks", "dashboard", "pages", "tests", "checkpoints", ".streamlit", "pyproject.toml",
          "requirements.txt", "requirements-dev.txt", "requirements-clouds.txt", "requirements-cluster.txt",
          "constraints.txt")  # fmt: skip
TIMEOUT_S = 600
FAILED = 1  # pytest's exit status when a test failed
LIBRARIES = (
    "pandas",
    "pyarrow.parquet",
    "torch",
    "sklearn.svm",
    "scipy.stats",
    "h5py",
    "rasterio",
)


@dataclass(frozen=True)
class Removal:
    """One defence of one line of FAULTS.

    what: in words; old: its text in ``file``, once; new: what stands there instead; test: the node that has to fail.
    """

    line: int
    what: str
    file: str
    old: str
    new: str
    test: str

    @property
    def key(self) -> str:
        """What it is called in seen.json."""
        return f"{self.line}: {self.what}"


REMOVALS = (
    Removal(1, "each epoch's own random numbers", "core/train/loop.py",
            "generator = np.random.default_rng((self.seed, epoch))", "generator = np.random.default_rng()",
            "tests/core/train/test_loop.py::test_a_fit_that_was_broken_off_ends_with_the_same_bits"),
    Removal(1, "the card of a checkpoint is written last", "core/train/checkpoint.py",
            "        return card if whole and safetensors_file.header(weights) else None\n    except",
            "        return card\n    except",
            "tests/core/train/test_checkpoint.py::test_when_all_are_damaged_nothing_starts_from_zero_unnoticed"),
    Removal(2, "the hashes of a checkpoint", "core/train/checkpoint.py",
            "whole = expected == _card_hash(card) and card[\"sha256\"] == atomic.sha256(weights)", "whole = True",
            "tests/core/train/test_checkpoint.py::test_a_damaged_newest_gives_the_one_before_and_says_so"),
    Removal(3, "the look for the same specification", "core/jobs/queue.py",
            "if found := rows.under_way(table, spec):", "if found := None:",
            "tests/faults/test_processes.py::test_sixteen_processes_that_submit_one_specification_make_one_job"),
    Removal(4, "the worker's own session", "core/jobs/processes.py",
            "stderr=subprocess.STDOUT,\n            start_new_session=True,",
            "stderr=subprocess.STDOUT,\n            start_new_session=False,",
            "tests/faults/test_processes.py::test_a_job_goes_on_when_the_server_that_began_it_is_killed"),
    Removal(5, "the start time beside the pid", "core/io/process_id.py",
            "    if identify(process.pid) != process:\n        return False\n", "",
            "tests/faults/test_processes.py::test_a_worker_that_dies_while_no_server_is_there_is_interrupted_and_a_"
            "stranger_with_its_pid_left_alone"),
    Removal(6, "the signal to the whole group", "core/jobs/processes.py",
            "os.killpg(process.pid, sign)", "os.kill(process.pid, sign)",
            "tests/core/jobs/test_processes.py::test_a_running_process_is_alive_and_its_whole_group_can_be_ended"),
    Removal(7, "the look for room", "core/io/free_space.py", "    if free < least:", "    if False:",
            "tests/core/jobs/test_no_room.py::test_room_is_looked_for_before_a_job_begins"),
    Removal(7, "the status in the place of the old one on a full disk", "core/workers/job_worker.py",
            "        if is_full(error) or isinstance(error, OSError):\n            folder.overwrite_status",
            "        if False:\n            folder.overwrite_status",
            "tests/core/jobs/test_no_room.py::test_a_job_on_a_full_disk_fails_saying_so_and_the_list_works"),
    Removal(8, "the smaller pieces when memory runs out", "core/train/optimisation/gradients.py",
            "        except torch.OutOfMemoryError:\n            return None",
            "        except torch.OutOfMemoryError:\n            raise",
            "tests/core/train/test_loop.py::test_a_batch_that_does_not_fit_is_cut_and_its_gradients_add_up"),
    Removal(9, "the look at the loss", "core/train/loop.py",
            "if np.isfinite(mean) and mean < DIVERGED:", "if True:",
            "tests/core/train/test_loop.py::test_a_loss_that_is_no_number_stops_and_puts_the_last_good_weights_back"),
    Removal(10, "the limit on what a header claims", "core/data/readers/npy.py", "    if claimed > most:",
            "    if False:",
            "tests/core/data/readers/test_npy.py::test_a_header_that_asks_for_4_tib_allocates_nothing"),
    Removal(11, "the refusal of Python objects", "core/data/readers/npy.py", "    if dtype.hasobject:", "    if False:",
            "tests/core/data/readers/test_npy.py::test_pickled_code_never_runs"),
    Removal(12, "zero for what is not finite after normalising", "core/data/normalise.py",
            "np.where(usable & np.isfinite(scaled), scaled, np.float32(0.0))", "scaled",
            "tests/core/data/test_normalise.py::test_whatever_comes_in_finite_numbers_come_out"),
    Removal(13, "the count of bands", "core/data/normalise.py",
            "    if images.ndim != 4 or images.shape[1] != len(band_names):", "    if False:",
            "tests/core/data/test_normalise.py::test_another_number_of_bands_is_refused_never_broadcast"),
    Removal(14, "the refusal of soft and external links", "core/data/store/hdf5.py",
            "            if not isinstance(group.get(name, getlink=True), h5py.HardLink):", "            if False:",
            "tests/core/data/store/test_hdf5.py::test_unsafe_structure_is_refused_naming_the_member"),
    Removal(14, "the limit on logical size", "core/data/store/hdf5.py",
            "    if logical > max(ALWAYS_FINE, MAX_RATIO * file_size):", "    if False:",
            "tests/core/data/store/test_hdf5.py::test_64_gib_in_8_kib_is_refused"),
    Removal(15, "the one driver that is tried", "core/data/readers/geo/raster.py",
            "rasterio.open(path, driver=\"GTiff\")", "rasterio.open(path)",
            "tests/core/data/readers/geo/test_raster.py::test_a_vrt_renamed_tif_is_not_followed"),
    Removal(16, "the limit on pixels", "core/data/readers/images.py", "    if width * height > MAX_PIXELS:",
            "    if False:",
            "tests/core/data/readers/test_images.py::test_a_decompression_bomb_is_refused_from_its_header"),
    Removal(17, "the look for .. in names", "core/data/readers/archives/archive_safety.py",
            "        if \"..\" in parts or \".\" in parts or \"\" in parts:", "        if False:",
            "tests/core/data/readers/archives/test_unpack.py::test_one_bad_member_refuses_the_whole_archive"),
    Removal(17, "the look for links and devices", "core/data/readers/archives/archive_safety.py",
            "        if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):", "        if False:",
            "tests/core/data/readers/archives/test_unpack.py::test_one_bad_member_refuses_the_whole_archive"),
    Removal(18, "the look for rows that contradict each other", "core/data/readers/matching.py",
            "        if len({label for _, label in found}) > 1:", "        if False:",
            "tests/core/data/readers/folders/test_tables.py::test_repeated_rows_are_warned_of_and_contradictory_ones_"
            "stop_training"),
    Removal(19, "the comparison of parts", "core/data/leakage/split_audit.py",
            "known & (parts[\"part_a\"] != parts[\"part_b\"])", "known & False",
            "tests/core/data/leakage/test_split_audit.py::test_crossing_names_both_parts_and_passes_over_the_unknown"),
    Removal(20, "the count of each class before a head is fitted", "core/heads/base.py",
            "    if min(positives, len(y) - positives) < per_class:", "    if False:",
            "tests/core/heads/test_svm.py::test_too_few_of_a_class_leaves_the_head_out_and_says_why"),
    Removal(21, "the least number of patches of a class", "core/evaluate/calibration/calibrators.py",
            "    if fewest < FEWEST[method]:", "    if False:",
            "tests/core/evaluate/calibration/test_calibrators.py::test_too_few_patches_are_refused_with_the"
            "_number_needed"),
    Removal(22, "the seed of the network's first weights", "core/train/networks/backbones.py",
            "        torch.manual_seed(seed)", "        torch.seed()",
            "tests/core/train/test_loop.py::test_equal_seeds_give_equal_bits_and_other_seeds_do_not"),
    Removal(23, "the proof that a path lies inside its root", "core/io/safe_paths.py",
            "    if not resolved.is_relative_to(base):", "    if False:",
            "tests/core/io/test_safe_paths.py::test_inside_refuses_what_leaves_the_root"),
    Removal(23, "no link is followed where a file is opened", "core/io/plain_file.py",
            "    handle = _handle(path, mode, follow)\n    try:\n        return os.fdopen",
            "    handle = _handle(path, mode, True)\n    try:\n        return os.fdopen",
            "tests/faults/test_linked_run.py::test_what_is_appended_to_is_no_link"),
    Removal(23, "the look whether it is a plain file", "core/io/plain_file.py",
            "    if not stat.S_ISREG(mode):\n        raise UnsafeFileError(",
            "    if False:\n        raise UnsafeFileError(",
            "tests/core/io/test_plain_file.py::test_what_is_no_plain_file_is_neither_read_nor_written"),
    Removal(24, "the escape of Markdown", "dashboard/ui/formatting.py",
            "_PUNCTUATION.sub(r\"\\\\\\1\", \" \".join(str(text).split()))", "\" \".join(str(text).split())",
            "tests/dashboard/ui/test_formatting.py::test_every_mark_of_markdown_is_escaped"),
    Removal(24, "the apostrophe before a formula", "core/io/csv_injection.py",
            "return f\"'{value}\" if isinstance(value, str) and value.startswith(_FORMULA_STARTS) else value",
            "return value",
            "tests/core/io/test_csv_injection.py::test_what_a_spreadsheet_would_run_becomes_text"),
    Removal(24, "the escape of what a report shows", "core/report/page.py",
            "autoescape=True",
            "autoescape=False",
            "tests/core/report/test_page.py::test_what_a_user_wrote_stays_text"),
    Removal(25, "the limit on a safetensors header", "core/io/safetensors_file.py",
            "        if len(start) == 8 and struct.unpack(\"<Q\", start)[0] > MAX_HEADER_BYTES:", "        if False:",
            "tests/core/io/test_safetensors_file.py::test_a_header_of_millions_of_entries_is_refused_unread"),
    Removal(25, "the limit on what a table claims", "core/io/parquet_file.py",
            "    if needed > min(MAX_BYTES, max(ALWAYS_FINE, MAX_RATIO * size)):",
            "    if False:",
            "tests/core/io/test_parquet_file.py::test_a_number_repeated_a_hundred_million_times_is_not_read"),
    Removal(25, "the list of what a backbone may be given", "core/config/model_arguments.py",
            "    for name, value in arguments.items():",
            "    for name, value in ():",
            "tests/core/config/test_model_arguments.py::test_what_reads_files_or_changes_what_comes_back_is_not_passed_on"),
    Removal(26, "the look at where a request comes from", "dashboard/server.py",
            "        if not is_own(headers.get(\"origin\"), headers.get(\"host\")) and _changes(scope):",
            "        if False:",
            "tests/dashboard/test_server.py::test_a_page_of_another_port_or_host_opens_no_websocket"),
    Removal(26, "the share of uploads of a session", "dashboard/server.py",
            "        if len(files) > MAX_FILES or sum(files.values()) > MAX_BYTES:", "        if False:",
            "tests/dashboard/test_server.py::test_made_up_file_ids_do_not_fill_the_memory"),
    Removal(26, "the hosts that the server answers to", ".streamlit/config.toml",
            "allowedHosts = [\"localhost\", \"127.0.0.1\"]", "allowedHosts = []",
            "tests/faults/test_server.py::test_a_forged_host_opens_no_websocket"),
    Removal(27, "the question in core who may", "core/access.py",
            "    if text := refusal(right):\n        raise AccessError(text)", "    return",
            "tests/core/test_access.py::test_whoever_may_not_changes_nothing_whichever_way_they_ask"),
    Removal(27, "the look whether others reach the server", "dashboard/sign_in.py",
            "return access.Actor(\"\", \"viewer\", BEYOND) if shown_beyond() else access.OWNER", "return access.OWNER",
            "tests/dashboard/test_sign_in.py::test_shown_beyond_this_machine_without_sign_in_it_is_read_only"
            "_and_says_so"),
    Removal(27, "the check that an address was verified", "core/access.py",
            "(self.any_email or claims.get(\"email_verified\") in (True, \"true\"))", "True",
            "tests/core/test_access.py::test_a_role_comes_from_a_verified_address_or_a_group"),
    Removal(28, "the list of what a child process may see", "core/jobs/processes.py",
            "for key, value in os.environ.items() if key in _ALLOWED}", "for key, value in os.environ.items()}",
            "tests/core/jobs/test_processes.py::test_children_do_not_see_secrets"),
    Removal(28, "the setting that nothing is sent home", ".streamlit/config.toml",
            "gatherUsageStats = false",
            "gatherUsageStats = true",
            "tests/dashboard/test_app.py::test_the_server_stays_on_this_machine_and_sends_nothing_home"),
    Removal(29, "the need of a token", "core/jobs/executors/token.py",
            "        if settings.allow_no_token and not said:",
            "        if not said:",
            "tests/core/jobs/executors/test_settings.py::test_a_cluster_without_a_token_is_used_only_where_that_was_allowed"),
    Removal(29, "the look who can read the token", "core/jobs/executors/token.py",
            "    if os.name == \"posix\" and path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):",
            "    if False:",
            "tests/core/jobs/executors/test_settings.py::test_a_token_that_others_can_read_is_refused"),
    Removal(29, "a job's own folder sends no token elsewhere", "core/jobs/executors/settings.py",
            "    if foreign := sorted(set(own) - set(OF_A_JOB)):",
            "    if foreign := []:",
            "tests/core/jobs/executors/test_settings.py::test_a_job_s_own_folder_cannot_say_where_a_token_goes"),
    Removal(29, "the second try of a part whose worker was lost", "core/jobs/executors/tasks.py",
            "        if self.tries > retries:",
            "        if True:",
            "tests/core/jobs/executors/test_ray_cluster.py::test_a_part_whose_worker_is_killed_goes_on_elsewhere_from_what_it_has_kept"),
    Removal(29, "the word to Ray that this is the only machine", "core/jobs/executors/connection.py",
            "ONE_MACHINE = {\"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER\": \"0\"}", "ONE_MACHINE: dict = {}",
            "tests/core/jobs/executors/test_ray_cluster.py::test_a_cluster_of_the_job_s_own_listens_on_this_machine_alone_and_ends_with_it"),
    Removal(30, "the look at every page of the queue's file", "core/jobs/queue_db.py",
            "            _check(connection)\n            return connection", "            return connection",
            "tests/core/jobs/test_healing.py::test_a_lost_or_damaged_queue_is_rebuilt_and_nothing_runs_twice"),
    Removal(30, "the wait for a lock", "core/jobs/queue_db.py",
            "timeout=LOCK_TIMEOUT_S, isolation_level=None", "timeout=0.0, isolation_level=None",
            "tests/faults/test_processes.py::test_a_locked_queue_is_waited_for_and_one_that_stays_locked_is_told"),
    Removal(30, "the look at the version of the queue's file", "core/jobs/queue_db.py",
            "            if version > SCHEMA_VERSION:", "            if False:",
            "tests/core/jobs/test_queue.py::test_a_queue_of_a_newer_version_is_left_alone"),
    Removal(30, "the rows from the folders", "core/jobs/queue_db.py",
            "    rows = list(rows_again())",
            "    rows: list = []",
            "tests/core/jobs/test_healing.py::test_a_lost_or_damaged_queue_is_rebuilt_and_nothing_runs_twice"),
    Removal(30, "a status that cannot be read is that of a failed job", "core/runs/job_folder.py",
            "        except LandslideLensError as error:\n            return {\"state\": \"failed\"",
            "        except ZeroDivisionError as error:\n            return {\"state\": \"failed\"",
            "tests/core/jobs/test_healing.py::test_a_damaged_folder_never_stands_in_the_way_of_others"),
    Removal(31, "the end at the last whole line", "core/runs/job_folder.py",
            "        end = block.rfind(b\"\\n\") + 1", "        end = len(block)",
            "tests/core/runs/test_store.py::test_events_are_read_once_and_a_torn_line_waits"),
    Removal(31, "the limit on what is read of events", "core/runs/job_folder.py",
            "return self.events(max(0, size - limit), limit)[0][-most:]", "return self.events(0, size)[0][-most:]",
            "tests/faults/test_long_files.py::test_the_newest_of_a_million_events_are_read_at_once"),
    Removal(31, "the start of a process by a clock that nobody sets", "core/io/process_id.py",
            "return ProcessId(pid, f\"{_boot()}:{after_name.split()[19]}\")",
            "return ProcessId(pid, f\"{psutil.boot_time() + int(after_name.split()[19]) / 100:.2f}\")",
            "tests/core/jobs/test_healing.py::test_a_clock_that_is_set_changes_nothing_for_a_live_worker"),
    Removal(32, "the version of a file in the key of the cache", "dashboard/cache.py",
            "    return facts.st_mtime_ns, facts.st_size, facts.st_ino", "    return 1, 1, 1",
            "tests/dashboard/test_cache.py::test_a_file_that_changes_is_read_again_and_no_other"),
    Removal(33, "the comparison of the exported model with the run", "core/predict/export/onnx_file.py",
            "    if not largest <= TOLERANCE:", "    if False:",
            "tests/core/predict/export/test_export.py::test_a_file_that_answers_otherwise_is_not_written"),
    Removal(34, "the list of free licences", "tests/supply/licences.py", "    return text in FREE", "    return True",
            "tests/supply/test_licences.py::test_what_a_licence_allows"),
    Removal(35, "the hash of what the file holds now", "core/predict/training_dataset.py",
            "trained_on == dataset.content_hash:",
            "trained_on == dataset.card_hash:",
            "tests/core/data/store/test_content_hash.py::test_a_run_is_told_that_its_dataset_was_changed_in_place"),
    Removal(36, "the look whether the file is there", "core/analyses/datasets/importing.py",
            "    if options.out.exists() and not options.replace:",
            "    if False:",
            "tests/core/commands/test_ingest.py::test_a_file_that_is_there_is_replaced_only_when_that_is_asked_for"),
    Removal(37, "the list that makes no folder", "core/jobs/queue.py",
            "    if not checkpoints.is_dir():\n        return []\n    return _seen",
            "    return _seen",
            "tests/core/jobs/test_healing.py::test_a_mistyped_checkpoints_folder_is_not_made"),
    Removal(37, "the sweep of what dead writers left", "core/io/atomic.py",
            "        if is_dead(left.name.removesuffix(PARTIAL).rpartition(\".\")[2].rpartition(\"-\")[0]):",
            "        if False:",
            "tests/core/jobs/test_healing.py::test_partial_files_of_dead_writers_are_swept_and_those_of_live_ones_stay"),
    Removal(37, "the look whether a writer lives", "core/io/atomic.py",
            "        if is_dead(left.name.removesuffix(PARTIAL).rpartition(\".\")[2].rpartition(\"-\")[0]):",
            "        if True:",
            "tests/core/jobs/test_healing.py::test_partial_files_of_dead_writers_are_swept_and_those_of_live_ones_stay"),
)  # fmt: skip


def tried(removal: Removal, copy: Path) -> str:
    """What the test says on the copy without the defence: "fails", or the end of its output where it does not."""
    path = copy / removal.file
    whole = path.read_text("utf-8")
    assert whole.count(removal.old) == 1, f"{removal.file} does not hold it once: {removal.old}"
    path.write_text(whole.replace(removal.old, removal.new), "utf-8")
    try:
        status, said = _tested(copy, removal.test)
    finally:
        path.write_text(whole, "utf-8")
    return "fails" if status == FAILED else f"exit {status}: {said[-1500:]}"


def _tested(copy: Path, test: str) -> tuple[int, str]:
    """Exit status and output of one test in a child of this process, which has the libraries loaded already."""
    with tempfile.TemporaryFile() as output:
        child = os.fork()
        if not child:
            status = 9
            try:
                os.setsid()
                os.dup2(output.fileno(), 1)
                os.dup2(output.fileno(), 2)
                os.chdir(copy)
                sys.path[0] = os.environ["PYTHONPATH"] = str(copy)
                for name in [name for name in sys.modules if name.partition(".")[0] == "tests"]:
                    del sys.modules[name]  # that of the copy is meant
                signal.alarm(TIMEOUT_S)  # a test that hangs without its defence ends by this
                status = int(pytest.main(["-q", "-n", "0", "-p", "no:cacheprovider", "-m", "", "-x", test]))
            except BaseException:
                traceback.print_exc()
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(status)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        output.seek(0)
        return FAILED if code == -signal.SIGALRM else code, output.read().decode(errors="replace")


def main(wanted: list[Removal]) -> int:
    """Try these removals; how many passed although the defence was gone."""
    for name in LIBRARIES:
        importlib.import_module(name)  # once; each child imports the program, as it was changed
    passed = 0
    with tempfile.TemporaryDirectory(prefix="without-") as folder:
        copy = Path(folder) / "copy"
        copy.mkdir()
        for name in COPIED:
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, copy / name, ignore=shutil.ignore_patterns("__pycache__", "20*"), symlinks=True)
            elif source.is_file():
                shutil.copy(source, copy / name)
        for removal in wanted:
            said = tried(removal, copy)
            print(f"{removal.line:>2}  {said if said == 'fails' else 'PASSES'}  {removal.what}", flush=True)
            seen, key = seen_before(), removal.key
            if said == "fails":
                seen[key] = {"test": removal.test, "file": removal.file, "seen": datetime.now(UTC).date().isoformat()}
            else:
                seen.pop(key, None)
                passed += 1
                print(said, flush=True)
            SEEN.write_text(json.dumps(dict(sorted(seen.items(), key=_by_line)), indent=1) + "\n", "utf-8")
    return passed


def seen_before() -> dict[str, dict]:
    """What was seen: "LINE: DEFENCE" -> test, file, date."""
    return json.loads(SEEN.read_text("utf-8")) if SEEN.is_file() else {}


def _by_line(item: tuple[str, dict]) -> tuple[int, str]:
    return int(item[0].partition(":")[0]), item[0]


if __name__ == "__main__":
    asked, before = sys.argv[1:], seen_before()
    if asked == ["new"]:
        raise SystemExit(min(1, main([one for one in REMOVALS if one.key not in before])))
    raise SystemExit(min(1, main([one for one in REMOVALS if not asked or str(one.line) in asked])))
