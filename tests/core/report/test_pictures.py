"""Pictures that a report carries in itself."""

import base64
import io

import numpy as np
from PIL import Image

from core.report.pictures import heated, jpeg


def test_a_picture_is_a_small_data_uri():
    rgb = np.full((64, 64, 3), (200, 90, 40), np.uint8)
    uri = jpeg(rgb)
    assert uri.startswith("data:image/jpeg;base64,") and len(uri) < 2000
    back = np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))))
    assert back.shape == rgb.shape and np.abs(back.astype(int) - rgb).max() < 8


def test_attention_covers_where_it_is_strong_and_a_dead_map_nothing():
    rgb = np.full((32, 32, 3), 100, np.uint8)
    cam = np.zeros((4, 4), np.float32)
    cam[0, 0] = 1.0
    drawn = heated(rgb, cam)
    assert (drawn[-1, -1] == 100).all() and np.abs(drawn[2, 2].astype(int) - 100).max() > 20
    assert heated(rgb, np.zeros((4, 4), np.float32)) is rgb
