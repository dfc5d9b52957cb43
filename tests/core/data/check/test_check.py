import numpy as np
import pytest

from core.data.bands import ZINDI_BANDS
from core.data.check import check
from core.data.check.report import CheckReport, CheckRow
from core.data.leakage.duplicates import equal_pairs, joined, patch_hashes
from core.data.store import DatasetWriter
from core.progress import drain

N = 12


def patches():
    rng = np.random.default_rng(0)
    images = rng.normal(-10, 3, (N, 12, 4, 4)).astype(np.float32)
    images[:, :4] = rng.uniform(500, 3000, (N, 4, 4, 4))
    return images


def made(tmp_path, images=None, labels=None, groups="own", nodata=None, **facts):
    images = patches() if images is None else images
    groups = [f"g{i}" for i in range(N)] if groups == "own" else groups
    with DatasetWriter(
        tmp_path / "x.h5",
        bands=ZINDI_BANDS,
        shape_hw=(4, 4),
        class_names=("stable", "landslide"),
        source="",
        nodata=nodata,
        facts=facts,
    ) as writer:
        writer.append(images, np.arange(N) % 2 if labels is None else labels, [f"p{i}" for i in range(N)], groups)
        return writer.finish()


def row(report, what):
    (found,) = [r for r in report.rows if r.what.startswith(what)]
    return found


def test_a_sound_dataset_has_only_ok_rows(tmp_path):
    report = drain(check(made(tmp_path)))
    assert report.ok and {r.severity for r in report.rows} == {"ok"}
    assert list(report.to_frame().columns) == ["severity", "what", "where", "n", "share", "advice"]
    assert row(report, "Both classes").where == "landslide: 6, stable: 6"


def test_findings_are_lines_that_a_terminal_shows():
    doubted = CheckRow(
        "warning", "Two classes look alike", "p1, p2", 12, 0.1, "Look at them. " * 12, share_of="patches"
    )
    text = CheckReport((doubted, CheckRow("ok", "Every band has values"))).to_text()
    lines = text.splitlines()
    assert lines[0] == "warning  Two classes look alike" and lines[1] == "         12 (10.0% of patches): p1, p2"
    assert lines[2].startswith("         Look at them.") and lines[-1] == "ok       Every band has values"
    assert max(map(len, lines)) <= 100


@pytest.mark.parametrize(
    ("labels", "what"),
    [([1] * N, "There is one class only"), ([0] * N, "There is one class only"), ([-1] * N, "No patch has a label")],
)
def test_one_class_and_no_labels_are_errors(tmp_path, labels, what):
    report = drain(check(made(tmp_path, labels=labels)))
    assert not report.ok and report.rows[0].what == what and report.rows[0].advice


def test_unlabelled_patches_are_counted(tmp_path):
    labels = np.arange(N) % 2
    labels[:3] = -1
    report = drain(check(made(tmp_path, labels=labels)))
    assert report.ok and row(report, "Patches without a label").n == 3


def test_identical_patches_with_different_labels_are_an_error(tmp_path):
    images = patches()
    images[3] = images[0]
    report = drain(check(made(tmp_path, images)))
    found = report.rows[0]
    assert (found.severity, found.what) == ("error", "Identical patches have different labels")
    assert (found.where, found.n) == ("p0 = p3", 2)


def test_identical_patches_with_one_label_are_a_warning_and_so_is_crossing_groups(tmp_path):
    images = patches()
    images[4] = images[2]
    images[6] = images[2]
    report = drain(check(made(tmp_path, images)))
    assert report.ok
    assert row(report, "Patches occur more than once").where == "p2 = p4 = p6"
    assert row(report, "Identical patches lie in different groups").n == 3
    same_group = ["a"] * 7 + [f"g{i}" for i in range(7, N)]
    assert not [r for r in drain(check(made(tmp_path, images, groups=same_group))).rows if "different groups" in r.what]


def test_an_unlabelled_copy_contradicts_nothing(tmp_path):
    images, labels = patches(), np.arange(N) % 2
    images[1], labels[1] = images[0], -1
    assert drain(check(made(tmp_path, images, labels))).ok


def test_contradictions_that_the_reader_set_aside_are_an_error(tmp_path):
    report = drain(check(made(tmp_path, conflicting_ids=["ID_7", "<img onerror=alert(1)>"])))
    assert not report.ok and report.rows[0].where == "ID_7, <img onerror=alert(1)>"


def test_planted_faults_in_values_are_found_with_band_and_patch(tmp_path):
    images = patches()
    images[1, 2, 0, 0] = np.nan
    images[2, 4, 0, 0] = 1000.0  # dB
    images[:, 7] = -12.0
    images[5, 8] = 0.0
    report = drain(check(made(tmp_path, images)))
    assert report.ok
    assert row(report, "Values that are not finite").where == "bands blue; patches p1"
    assert row(report, "Values outside").where == "bands desc_vv; patches p2"
    assert row(report, "Bands are constant").where == "desc_dvh"
    assert row(report, "Patches in which a band is constant").where == "bands asc_vv; patches p5"
    assert all(r.severity == "warning" and r.advice for r in report.rows if r.what.startswith(("Values", "Bands are")))


def test_nodata_is_told_with_its_share_and_empty_patches_apart(tmp_path):
    images = patches()
    images[0, :, :2] = 0.0
    images[1:3] = 0.0
    report = drain(check(made(tmp_path, images, nodata=0.0)))
    assert row(report, "Patches without any data").where == "p1, p2"
    assert row(report, "Pixels without data").share == pytest.approx(2.5 / N)
    assert report.ok  # two empty patches of both classes are not called contradictory


def test_groups_are_judged(tmp_path):
    assert row(drain(check(made(tmp_path, groups=None))), "There are no groups").severity == "warning"
    few = drain(check(made(tmp_path, groups=["a", "b"] * 6)))
    assert row(few, "A class lies in few groups").where.startswith("stable, landslide; ")


def test_many_names_are_cut_short(tmp_path):
    images = patches()
    images[:, 0, 0, 0] = np.inf
    assert row(drain(check(made(tmp_path, images))), "Values that are not finite").where.endswith("p4 and 7 more")


def joined_groups(groups, hashes):
    return joined(groups, len(hashes), equal_pairs(hashes))


@pytest.mark.fault(19)
def test_joined_groups_keep_identical_patches_together():
    images = np.arange(6 * 12, dtype=np.float32).reshape(6, 3, 2, 2)
    images[5], images[4] = images[0], images[2]
    hashes = patch_hashes(images)
    joined = joined_groups(np.array(list("abcdef")), hashes)
    assert joined.tolist() == ["a", "b", "c", "d", "c", "a"]
    chain = joined_groups(np.array(list("abbccd")), hashes)  # 0 = 5 joins a with d, 2 = 4 joins b with c
    assert chain.tolist() == ["a", "b", "b", "b", "b", "a"]
    alone = joined_groups(None, hashes)
    assert alone[0] == alone[5] and alone[2] == alone[4] and len(set(alone)) == 4


def test_without_identical_patches_groups_stay_as_they_are():
    hashes = patch_hashes(np.arange(24, dtype=np.float32).reshape(2, 3, 2, 2))
    groups = np.array(["a", "b"])
    assert joined_groups(groups, hashes) is groups
    assert joined_groups(None, hashes) is None
