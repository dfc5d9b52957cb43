"""A message that nothing can be used counts the files that were looked at, whoever set them aside."""

import h5py
import numpy as np
import pytest
from PIL import Image

from core.data.readers import ReaderOptions, ingest
from core.errors import DataError
from core.progress import drain

N = 5


def arrays(folder):
    folder.mkdir(parents=True)
    for i in range(N):
        np.save(folder / f"a{i}.npy", np.full((6, 6, 4), 100.0 + i))


def wrong_bands(source):
    arrays(source)
    return "folders", {"bands": "red,nir"}


def listed_but_broken(source):
    arrays(source)
    for path in source.iterdir():
        path.write_bytes(b"")
    (source / "l.csv").write_text("id,label\n" + "".join(f"a{i},{i % 2}\n" for i in range(N)) + "gone,1\nlost,0\n")
    return "folders", {"labels": "l.csv"}


def links_and_broken(source):
    for name in ("landslide", "other"):
        (source / name).mkdir(parents=True)
    for i in range(N - 2):
        (source / "landslide" / f"{i}.png").touch()
        (source / "other" / f"n{i}.png").touch()
    (source / "landslide" / "0.png").unlink()
    (source / "landslide" / "0.png").symlink_to(source / "nowhere.png")
    (source / "other" / "n0.png").unlink()
    return "folders", {}


def hdf5_without_an_image(source):
    source.mkdir()
    for i in range(N):
        with h5py.File(source / f"a{i}.h5", "w") as file:
            file["one"], file["two"] = np.zeros((4, 4, 3)), np.zeros((4, 4, 3))
    return "hdf5", {}


def masks_of_another_size(source):
    (source / "img").mkdir(parents=True)
    (source / "mask").mkdir()
    for i in range(N):
        Image.fromarray(np.full((8, 8, 3), i, np.uint8)).save(source / "img" / f"a{i}.png")
        Image.fromarray(np.full((4, 6), 1, np.uint8)).save(source / "mask" / f"a{i}.png")
    return "cas", {}


@pytest.mark.parametrize(
    "made", [wrong_bands, listed_but_broken, links_and_broken, hdf5_without_an_image, masks_of_another_size]
)
def test_all_files_are_counted(tmp_path, made):
    format, options = made(tmp_path / "src")
    with pytest.raises(DataError, match=f"None of {N} files can be used. The first reason: "):
        drain(ingest(format, tmp_path / "src", tmp_path / "out.h5", ReaderOptions(**options)))
