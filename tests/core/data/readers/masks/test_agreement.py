"""Labels and masks that contradict each other are told of by ingest and by check (issue 13, K2)."""

import numpy as np
import pytest
from PIL import Image

from core.data.check import check
from core.data.readers import ReaderOptions, ingest
from core.data.store import open_dataset
from tests.builders import returned

SLIDE = np.zeros((16, 16), np.uint8)
SLIDE[2:8, 2:8] = 255
EMPTY = np.zeros((16, 16), np.uint8)


def made(root, masks, **options):
    """(report, dataset) of pictures whose class folder is the first letter of their name: s(table) or l(andslide)."""
    for i, (name, mask) in enumerate(masks.items()):
        kind = "landslide" if name[0] == "l" else "stable"
        for folder, pixels in ((f"img/{kind}", np.random.default_rng(i).integers(1, 255, (16, 16, 3))), ("m", mask)):
            (root / folder).mkdir(parents=True, exist_ok=True)
            if pixels is not None:
                Image.fromarray(pixels.astype(np.uint8)).save(root / folder / f"{name}.png")
    options = ReaderOptions(masks=root / "m", positive="landslide", **options)
    report = returned(ingest("folders", root / "img", root / "o.h5", options))
    return report, open_dataset(report.dataset)


def findings(dataset):
    """What the check says of masks: words -> ids, of what is not right."""
    rows = returned(check(dataset)).rows
    return {row.what: row.ids for row in rows if row.severity != "ok" and "mask" in row.what.lower()}


def test_patches_whose_mask_contradicts_their_label_are_named(tmp_path):
    report, dataset = made(tmp_path, {"l1": SLIDE, "l2": EMPTY, "s1": SLIDE, "s2": EMPTY, "l3": None, "s3": None})
    told = [text for text in report.warnings if "contradict" in text]
    assert told == [
        "Labels and masks contradict each other: 1 patch labelled 'stable' with a landslide in the mask (s1), 1 "
        "patch labelled 'landslide' with an empty mask (l2). If classes are exchanged, say --positive; if the masks "
        "are inverted, --mask-value 0."
    ]
    assert findings(dataset) == {
        "Patches labelled 'stable' have a landslide in their mask": ("s1",),
        "Patches labelled 'landslide' have an empty mask": ("l2", "l3"),
    }


def test_nothing_is_told_where_they_agree(tmp_path):
    report, dataset = made(tmp_path, {"l1": SLIDE, "s1": EMPTY})
    assert report.warnings == () and findings(dataset) == {}


def test_a_mask_that_cannot_be_used_is_no_contradiction(tmp_path):
    report, _ = made(tmp_path, {"l1": SLIDE, "l2": np.zeros((16, 15)), "s1": EMPTY})
    assert [r.file for r in report.rejected] == ["mask of landslide/l2.png"] and "m/l2.png" in report.rejected[0].reason
    assert not any("contradict" in text for text in report.warnings)


@pytest.mark.parametrize(
    "masks, what",
    [
        ({"l1": 255 - EMPTY, "l2": 255 - EMPTY, "s1": EMPTY}, "Masks cover most of everything"),
        ({"l1": 255 - SLIDE, "l2": 255 - SLIDE, "s1": EMPTY}, "Masks cover most of everything"),
        ({"l1": EMPTY, "s1": EMPTY}, "All masks are empty"),
    ],
)
def test_masks_that_cover_everything_or_nothing_are_findings(tmp_path, masks, what):
    report, dataset = made(tmp_path, masks)
    assert what in findings(dataset)
    assert any("of all their pixels landslide" in text or "masks are empty" in text for text in report.warnings)


def test_every_patch_a_landslide_is_told_at_once(tmp_path):
    report, dataset = made(tmp_path, {"l1": SLIDE, "l2": SLIDE})
    assert any("Every labelled patch is 'landslide'" in text for text in report.warnings)
    assert any(row.what == "There is one class only" for row in returned(check(dataset)).rows)
