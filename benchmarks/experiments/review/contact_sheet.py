"""The likeliest wrong labels of a run as one picture, to look at.

    python -m benchmarks.experiments.review.contact_sheet RUN --n 30 --out docs/label-issues.jpg

RUN: the folder of a finished run with red, green and blue, whose labels ``core review`` has ranked. Each patch is drawn
with its rank, its label and the headline's probability of a landslide; its own 2 to 98 % range of brightness.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from benchmarks.report import parser
from core.analyses.review.label_issues import LabelIssuesOptions, analyse, read
from core.data.store import open_dataset
from core.progress import drain
from core.runs.store import RunFolder

SIDE, TEXT, GAP, COLUMNS = 150, 30, 8, 6


def tile(image: np.ndarray) -> Image.Image:
    """An image of SIDE pixels. image: (3, H, W) red, green, blue."""
    low, high = np.nanpercentile(image, [2, 98])
    pixels = np.clip((image - low) / max(high - low, 1e-9), 0, 1).transpose(1, 2, 0)
    return Image.fromarray((255 * np.nan_to_num(pixels)).astype(np.uint8)).resize((SIDE, SIDE), Image.BICUBIC)


def main() -> None:
    options = parser(__doc__, 30)
    options.add_argument("run", type=Path)
    given = options.parse_args()
    run = RunFolder(given.run)
    if read(run) is None:
        drain(analyse(run, LabelIssuesOptions()))
    rows = read(run).table().head(given.n).to_dict("records")
    data = open_dataset(run.dataset_path())
    images = data.images(data.index_of([row["id"] for row in rows]), bands=("red", "green", "blue"))
    lines = -(-len(rows) // COLUMNS)
    sheet = Image.new("RGB", (COLUMNS * (SIDE + GAP) + GAP, lines * (SIDE + TEXT + GAP) + GAP), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(11)
    for k, (row, image) in enumerate(zip(rows, images, strict=True)):
        x, y = GAP + k % COLUMNS * (SIDE + GAP), GAP + k // COLUMNS * (SIDE + TEXT + GAP)
        sheet.paste(tile(image), (x, y))
        said = data.class_names[row["label"]]
        draw.text((x, y + SIDE + 1), f"{row['rank']}. labelled {said},", fill="black", font=font)
        draw.text((x, y + SIDE + 14), f"p {row['prob']:.2f}, {row['id']}", fill="black", font=font)
    if given.out:
        sheet.save(given.out, quality=70)


if __name__ == "__main__":
    main()
