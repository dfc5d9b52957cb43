"""netCDF-4 patches over time as xarray writes them, made with h5py."""

import h5py
import numpy as np

BANDS = ("B02", "B03", "B04", "B08", "SCL")


def patch_file(path, number, event=False, sensor="s2", order=("time", "x", "y"), shape=(5, 20, 16), **attributes):
    """A file with a variable a band, (time, y, x) = ``shape`` in ``order``: 1000 * time + 10 * row + column + band."""
    path.parent.mkdir(parents=True, exist_ok=True)
    n, height, width = shape
    axes = {"time": np.arange(n) * 30, "x": 755_000.0 + 1000 * number + 10 * np.arange(width)}
    axes["y"] = 4_882_000.0 - 10 * np.arange(height)
    rows, columns = np.mgrid[:height, :width]
    with h5py.File(path, "w") as file:
        for name, values in axes.items():
            file[name] = values
            file[name].make_scale(name)
        file["time"].attrs["units"] = "days since 2022-10-05"
        for i, name in enumerate([*(("VV", "VH") if sensor != "s2" else BANDS), "DEM", "MASK"]):
            values = (np.arange(n)[:, None, None] * 1000 + rows * 10 + columns + i).astype(np.int16)
            if name == "MASK":
                values = np.zeros(shape, np.uint8)
                values[:, 2:9, 3:6] = event
            file[name] = values.transpose([("time", "y", "x").index(axis) for axis in order])
            for axis, of in enumerate(order):
                file[name].dims[axis].attach_scale(file[of])
        file["spatial_ref"] = np.int64(0)
        file.attrs.update({"crs": "EPSG:32632", "satellite": sensor, **attributes})
        if event and not attributes:
            file.attrs["pre_post_dates"] = "{'pre': 2, 'post': 3}"
    return path
