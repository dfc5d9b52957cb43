"""The dataset file: one HDF5 file that readers build once and everything else reads by id, lazily, in batches.

Reading lives in ``core.data.store.dataset``, writing in ``core.data.store.writer``;
uncompressed images are read from where they lie (``core.data.store.chunks``).

Layout: ``images`` (N, C, H, W) float32 or uint8, one chunk a patch; ``labels`` (N,) int8; ``ids`` (N,) UTF-8 text;
optional ``groups`` ``split`` (N,) text, ``lonlat`` (N, 2) float64, ``masks`` (N, H, W) uint8, ``columns/<name>``;
``card``: JSON with bands, class names, source, licence, nodata, statistics, content hash and facts.

Images are not compressed. Seen on 2 CPU cores: for 1200 patches of 12x64x64 float32 lzf saved 13 % of the disk (50 %
for optical bands alone) and made reading 256 random patches 10 times slower (82 against 6 ms); uint8 RGB gains 12 %
and reads 4 times slower. Masks, mostly zero, are compressed (lzf).
"""

from core.data.store.dataset import Dataset, list_datasets, open_dataset
from core.data.store.writer import DatasetWriter

__all__ = ["Dataset", "DatasetWriter", "list_datasets", "open_dataset"]
