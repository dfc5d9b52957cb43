"""How published sets of landslide patches are laid out, as the import recognises them: one list for all who show it.

docs/import.md, ``python -m core layouts`` and the import page are made from it, and a test builds each tree and imports
it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

OUT = "mine.h5"


@dataclass(frozen=True)
class Layout:
    """One way in which a set is laid out.

    name: a short key. title: whose it is. format: of the reader. tree: a picture of the folders. becomes: what turns
    into labels, masks, split and the rest. options: of ``ingest`` that it needs.
    """

    name: str
    title: str
    format: str
    tree: str
    becomes: str
    options: tuple[str, ...] = ()

    @property
    def command(self) -> str:
        """The import of it."""
        return " ".join(("python -m core ingest", self.format, "SOURCE --out", OUT, *self.options))

    def to_dict(self) -> dict:
        """Plain values, with the command."""
        return {**asdict(self), "command": self.command}


LAYOUTS: tuple[Layout, ...] = (
    Layout(
        "zindi",
        "Zindi landslide challenge",
        "zindi",
        """
SOURCE/
├── Train.csv              ID, label
├── Test.csv               ID
├── train_data/ID_0001.npy (64, 64, 12)
└── test_data/ID_9001.npy
""",
        "label from Train.csv; test patches unlabelled, in the split test",
    ),
    Layout(
        "landslide4sense",
        "Landslide4Sense 2022",
        "landslide4sense",
        """
SOURCE/
├── TrainData/
│   ├── img/image_1.h5     key img, (128, 128, 14)
│   └── mask/mask_1.h5     key mask, (128, 128)
├── ValidData/img/image_1.h5
└── TestData/img/image_1.h5
""",
        "label from the mask's area; folders are the split; 14 bands by name",
    ),
    Layout(
        "sen12landslides",
        "Sen12Landslides",
        "netcdf",
        """
SOURCE/
├── italy_s2_6982.nc       B02 ... B12, SCL, DEM, MASK over (time, x, y)
└── chimanimani_s2_1024.nc
""",
        "label from MASK; the first date after the event (--date pre, both, 7, 2023-05-16); place from x, y and crs; "
        "one sensor a dataset",
    ),
    Layout(
        "bijie",
        "Bijie landslide dataset",
        "folders",
        """
SOURCE/
├── landslide/
│   ├── image/df001.png
│   ├── mask/df001.png
│   └── dem/df001.png      left out
└── non-landslide/
    ├── image/x001.png
    └── dem/x001.png       left out
""",
        "label from the class folder; masks of the landslides; pictures of many sizes need --resize",
        ("--positive", "landslide", "--resize", "64"),
    ),
    Layout(
        "cas",
        "CAS Landslide",
        "cas",
        """
SOURCE/
├── Palu/
│   ├── img/Palu0001.tif
│   ├── mask/Palu0001.tif
│   └── label/Palu0001.tif  not used
└── Hokkaido/img, mask, label
""",
        "label from the mask's area; the sub-dataset is the column source",
    ),
    Layout(
        "hr-gldd",
        "HR-GLDD",
        "npy",
        """
SOURCE/
├── trainX.npy             (N, 128, 128, 4)
├── trainY.npy             (N, 128, 128, 1)
├── valX.npy, valY.npy
└── testX.npy, testY.npy
""",
        "label from the masks' area; names are the split; say the bands where they are not red, green, blue, nir",
    ),
    Layout(
        "split-classes",
        "Class folders under train, validation and test",
        "folders",
        """
SOURCE/
├── train/
│   ├── landslide/a.png
│   └── stable/b.png
├── val/landslide/c.png, val/stable/d.png
└── test/landslide/e.png, test/stable/f.png
""",
        "label from the class folder; the folder above (or below) it is the split",
        ("--positive", "landslide"),
    ),
    Layout(
        "images-masks",
        "Images and masks side by side (MMLSv2, Chittagong, GDCLD)",
        "geotiff",
        """
SOURCE/
├── train/
│   ├── images/Image_a.tif
│   └── masks/Mask_a.tif
└── test/images, masks
""",
        "label from the mask's area; folders are the split; larger images need --tile",
    ),
    Layout(
        "csv",
        "A folder of patches with a table",
        "folders",
        """
SOURCE/
├── labels.csv             id, label, scene
└── patches/p001.npy       (H, W, C)
""",
        "label, group and further columns from the table",
        ("--labels", "labels.csv", "--group-column", "scene", "--positive", "1"),
    ),
    Layout(
        "hdf5",
        "One HDF5 (or MATLAB 7.3) file of arrays",
        "hdf5",
        """
SOURCE                     one file
├── images                 (N, H, W, C) or (N, C, H, W)
├── labels                 (N,)
└── ids, groups, split, masks, lonlat
""",
        "each array by its name; bands from the attribute bands",
    ),
    Layout(
        "npz",
        "One .npz, or .npy files, of arrays",
        "npy",
        """
SOURCE.npz
├── x_train, y_train       (N, H, W, C), (N,)
└── x_test, y_test
""",
        "labels (one value a patch) or masks (one a pixel); names are the split",
    ),
)


def named(name: str) -> Layout:
    """The layout of that key."""
    return next(layout for layout in LAYOUTS if layout.name == name)


def text(layouts: Sequence[Layout] = LAYOUTS) -> str:
    """All of them for the terminal."""
    return "\n\n".join(
        f"{one.title}\n{one.tree.strip(chr(10))}\nBecomes: {one.becomes}.\n{one.command}" for one in layouts
    )


def markdown(layouts: Sequence[Layout] = LAYOUTS) -> str:
    """All of them for docs/import.md: a table, then the trees."""
    rows = "\n".join(f"| {one.title} | `{one.format}` | {one.becomes} |" for one in layouts)
    trees = "\n\n".join(f"{one.title}: `{one.command}`\n\n```\n{one.tree.strip(chr(10))}\n```" for one in layouts)
    return f"| set | format | what becomes of it |\n|---|---|---|\n{rows}\n\n{trees}"
