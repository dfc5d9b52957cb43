"""No network at all: the values of a dataset of columns are the embedding, for the heads that are fitted on them."""

from __future__ import annotations

from torch import Tensor, nn

from core.config.training import COLUMNS
from core.errors import ConfigError


class ColumnValues(nn.Module):
    """(N, C, 1, 1) normalised values -> (N, C): each column is a band of one pixel. It has nothing to learn."""

    def __init__(self, n_columns: int) -> None:
        super().__init__()
        self.num_features = n_columns

    def forward(self, images: Tensor) -> Tensor:
        """See the class."""
        return images.flatten(1)


def column_values(n_columns: int, hw: tuple[int, int]) -> ColumnValues:
    """Raises ConfigError for patches of more than one pixel."""
    if hw != (1, 1):
        raise ConfigError(
            f"model.backbone={COLUMNS} is for a table of columns; these patches have {hw[0]}x{hw[1]} pixels. Choose "
            "another backbone, or a preset for patches (small)."
        )
    return ColumnValues(n_columns)
