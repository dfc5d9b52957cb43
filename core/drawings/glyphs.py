"""Small pictures of the steps of a run, each in a box of ``W`` by ``H`` whose corner is (x, y)."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from core.drawings import canvas as ink
from core.drawings.canvas import Canvas

W, H = 60, 44
Glyph = Callable[[Canvas, float, float], None]
_MOST_SLICES = 14


def bands(colours: Sequence[str]) -> Glyph:
    """A stack of slices, one for each band, in the colours of their families."""

    def draw(c: Canvas, x: float, y: float) -> None:
        shown = list(colours)
        if len(shown) > _MOST_SLICES:
            shown = [shown[i * len(shown) // _MOST_SLICES] for i in range(_MOST_SLICES)]
        step = min(4.0, 26.0 / max(1, len(shown) - 1)) if len(shown) > 1 else 0.0
        start = x + 4 + (26 - step * (len(shown) - 1)) / 2
        for i, colour in enumerate(reversed(shown)):
            a = start + step * (len(shown) - 1 - i)
            b = y + 2 + (12.0 / max(1, len(shown) - 1)) * i if len(shown) > 1 else y + 8
            c.rect(a, b, 28, 28, colour, "card", 2, 1, opacity=0.92)

    return draw


def table(c: Canvas, x: float, y: float) -> None:
    """Rows and columns of numbers."""
    for row in range(4):
        for column in range(4):
            fill = ink.NETWORK if row == 0 else "faint"
            c.rect(x + 8 + 12 * column, y + 2 + 10.5 * row, 10, 8, fill, "", 1.5, opacity=0.9 if row == 0 else 0.7)


def folds(n: int) -> Glyph:
    """One row a fold, its judged part marked."""

    def draw(c: Canvas, x: float, y: float) -> None:
        k = min(n, 8)
        side = min(10.0, (H - 2) / k)
        left = x + (W - k * side) / 2
        for row in range(k):
            for column in range(k):
                mine = row == column
                c.rect(left + column * side, y + 1 + row * side, side - 1.5, side - 1.5,
                       ink.FOLD if mine else "faint", "", 1, opacity=1 if mine else 0.55)  # fmt: skip

    return draw


def bell(c: Canvas, x: float, y: float) -> None:
    """A distribution around its centre."""
    points = [(x + 4 + i, y + 38 - 32 * math.exp(-(((i - 26) / 11) ** 2))) for i in range(0, 53, 2)]
    c.line([(x + 4, y + 38), *points, (x + 56, y + 38)], "", 0, ink.NETWORK, True, opacity=0.22)
    c.line(points, ink.NETWORK, 2)
    c.line([(x + 30, y + 4), (x + 30, y + 38)], "soft", 1, stroke_dasharray="2 3")
    c.line([(x + 4, y + 38), (x + 56, y + 38)], "faint", 1)


def smote(c: Canvas, x: float, y: float) -> None:
    """A landslide and its neighbour, and the blended one between them."""
    c.line([(x + 12, y + 12), (x + 48, y + 34)], "soft", 1.2, stroke_dasharray="2 3")
    for a, b in ((x + 3, y + 2), (x + 39, y + 24)):
        c.rect(a, b, 18, 18, ink.LANDSLIDE, "card", 3)
    c.rect(x + 20, y + 12.5, 19, 19, ink.SYNTHETIC, "card", 3, 1.5)
    c.text(x + 29.5, y + 26, "+", 14, "card", True, "middle")


def repeated(c: Canvas, x: float, y: float) -> None:
    """A landslide several times."""
    for i in range(3):
        c.rect(x + 8 + 11 * i, y + 4 + 7 * i, 22, 22, ink.LANDSLIDE if i == 0 else ink.SYNTHETIC, "card", 3, 1.5)


def moved(c: Canvas, x: float, y: float) -> None:
    """A patch that is turned."""
    c.rect(x + 17, y + 9, 26, 26, "", "faint", 2, 1.5, stroke_dasharray="3 3")
    c.rect(x + 17, y + 9, 26, 26, ink.OPTICAL, "card", 2, 1, opacity=0.85, transform=f"rotate(22 {x + 30} {y + 22})")
    c.curve(f"M{x + 47} {y + 8} A 19 19 0 0 1 {x + 52} {y + 24}", "soft", 1.5)
    c.line([(x + 48, y + 21), (x + 52, y + 25), (x + 55.5, y + 20)], "soft", 1.5)


def colours(c: Canvas, x: float, y: float) -> None:
    """One patch, darker and lighter."""
    for i, share in enumerate((0.35, 0.65, 1.0)):
        c.rect(x + 4 + 18 * i, y + 13, 16, 18, ink.OPTICAL, "", 2, opacity=share)
    c.line([(x + 6, y + 38), (x + 54, y + 38)], "faint", 1.5)
    c.circle(x + 38, y + 38, 3, "soft")


def mixed(mixup: bool, cutmix: bool) -> Glyph:
    """Two patches that become one: blended, one pasted into the other, or either."""

    def draw(c: Canvas, x: float, y: float) -> None:
        side = 24 if mixup and cutmix else 34
        left = x + (2 if mixup and cutmix else 13)
        top = y + (H - side) / 2
        if mixup:
            c.rect(left, top, side, side, ink.OTHER, "", 3)
            c.rect(left, top, side, side, ink.LANDSLIDE, "", 3, opacity=0.5)
            left += 30
        if cutmix:
            c.rect(left, top, side, side, ink.OTHER, "", 3)
            c.rect(left + side * 0.45, top + side * 0.3, side * 0.55, side * 0.5, ink.LANDSLIDE, "card", 0, 1)

    return draw


def encoder(down: Sequence[float], up: Sequence[float] = (), colour: str = ink.NETWORK) -> Glyph:
    """A network's maps from the input on: bars whose heights are the shares ``down``, and ``up`` again."""

    def draw(c: Canvas, x: float, y: float) -> None:
        shares = [*down, *up]
        step = (W - 6) / len(shares)
        for i, share in enumerate(shares):
            height = max(5.0, (H - 4) * share)
            fade = 0.45 + 0.55 * (i + 1) / len(shares)
            c.rect(x + 3 + i * step, y + H / 2 - height / 2, step - 2, height, colour, "", 1.5, opacity=round(fade, 2))

    return draw


def branches(n: int) -> Glyph:
    """Two or three encoders that meet."""
    places = {2: (2, 26), 3: (0, 15, 30)}.get(n, (14,))
    colours, tall = (ink.OPTICAL, ink.SAR_AFTER, ink.INDEX), 16 if n < 3 else 13

    def draw(c: Canvas, x: float, y: float) -> None:
        for top, colour in zip(places, colours, strict=False):
            for i, share in enumerate((1.0, 0.75, 0.5)):
                height = tall * share
                c.rect(x + 3 + 11 * i, y + top + (tall - height) / 2, 9, height, colour, "", 1.5, opacity=0.6 + 0.2 * i)
            middle = y + top + tall / 2
            c.curve(f"M{x + 37} {middle} C {x + 46} {middle} {x + 42} {y + 22} {x + 49} {y + 22}", "arrow", 1.5)
        c.circle(x + 53, y + 22, 4.5, ink.NETWORK)

    return draw


def rates(values: Sequence[float], borders: Sequence[float] = ()) -> Glyph:
    """The learning rate over the epochs, as shares of the highest; upright lines where a phase ends."""

    def draw(c: Canvas, x: float, y: float) -> None:
        n = max(1, len(values) - 1)
        points = [(x + 4 + 52 * i / n, y + 38 - 31 * value) for i, value in enumerate(values)]
        if len(points) == 1:
            points.append((x + 56, points[0][1]))
        c.line([(x + 4, y + 38), *points, (x + 56, y + 38)], "", 0, ink.NETWORK, True, opacity=0.16)
        for border in borders:
            c.line([(x + 4 + 52 * border, y + 3), (x + 4 + 52 * border, y + 38)], "soft", 1, stroke_dasharray="2 3")
        c.line(points, ink.NETWORK, 2)
        c.line([(x + 4, y + 38), (x + 56, y + 38)], "faint", 1)

    return draw


def vector(c: Canvas, x: float, y: float) -> None:
    """Features of a patch: a column of values."""
    for i, share in enumerate((0.3, 0.9, 0.5, 0.15, 0.75, 1.0, 0.4)):
        for j in range(3):
            c.rect(x + 16 + 10 * j, y + 1 + 6 * i, 8, 5, ink.HEAD, "", 1, opacity=(0.2 + 0.8 * share * (1 - 0.22 * j)))


def weights(c: Canvas, x: float, y: float) -> None:
    """Filters of a network."""
    shades = (0.9, 0.3, 0.6, 0.2, 0.75, 0.4, 0.5, 0.85, 0.25)
    for i, shade in enumerate(shades):
        c.rect(x + 12 + 13 * (i % 3), y + 3 + 13 * (i // 3), 11.5, 11.5, ink.NETWORK, "", 1.5, opacity=shade)


def boundary(c: Canvas, x: float, y: float) -> None:
    """Two classes and the line between them."""
    c.curve(f"M{x + 8} {y + 42} C {x + 20} {y + 20} {x + 36} {y + 34} {x + 50} {y + 2}", ink.HEAD, 2)
    for a, b in ((10, 12), (19, 6), (24, 17), (12, 25), (33, 9)):
        c.circle(x + a, y + b, 3, ink.OTHER)
    for a, b in ((50, 22), (42, 34), (53, 36), (32, 40)):
        c.circle(x + a, y + b, 3, ink.LANDSLIDE)


def layer(c: Canvas, x: float, y: float) -> None:
    """A dense layer: everything joined to two answers."""
    left, right = [y + 4 + 12 * i for i in range(4)], [y + 14, y + 30]
    for b in left:
        for d in right:
            c.line([(x + 12, b), (x + 46, d)], "faint", 1)
    for b in left:
        c.circle(x + 12, b, 3.2, ink.HEAD)
    for d, colour in zip(right, (ink.OTHER, ink.LANDSLIDE), strict=True):
        c.circle(x + 46, d, 4.2, colour)


def tree(c: Canvas, x: float, y: float) -> None:
    """A decision tree."""
    places = {1: (30, 6), 2: (16, 21), 3: (44, 21), 4: (9, 38), 5: (23, 38), 6: (37, 38), 7: (51, 38)}
    for child in range(2, 8):
        (a, b), (d, e) = places[child // 2], places[child]
        c.line([(x + a, y + b), (x + d, y + e)], "arrow", 1.2)
    fills = {1: ink.HEAD, 2: ink.HEAD, 3: ink.HEAD, 4: ink.OTHER, 5: ink.LANDSLIDE, 6: ink.OTHER, 7: ink.LANDSLIDE}
    for place, (a, b) in places.items():
        c.circle(x + a, y + b, 4, fills[place])


def sigmoid(c: Canvas, x: float, y: float) -> None:
    """A probability that rises with a score."""
    points = [(x + 4 + i, y + 38 - 32 / (1 + math.exp(-(i - 26) / 5))) for i in range(0, 53, 2)]
    c.line([(x + 4, y + 22), (x + 56, y + 22)], "faint", 1, stroke_dasharray="2 3")
    c.line(points, ink.HEAD, 2)
    for a, b, colour in ((10, 38, ink.OTHER), (19, 38, ink.OTHER), (42, 6, ink.LANDSLIDE), (51, 6, ink.LANDSLIDE)):
        c.circle(x + a, y + b, 2.8, colour)


def blend(c: Canvas, x: float, y: float) -> None:
    """Two answers averaged."""
    c.circle(x + 22, y + 22, 16, ink.NETWORK, "", opacity=0.6)
    c.circle(x + 38, y + 22, 16, "soft", "", opacity=0.5)


def threshold(c: Canvas, x: float, y: float) -> None:
    """Probabilities and where they are cut."""
    for i, height in enumerate((14, 26, 34, 24, 12, 7, 5, 9, 17, 13)):
        c.rect(
            x + 4 + 5.3 * i, y + 38 - height, 4.3, height, ink.OTHER if i < 6 else ink.LANDSLIDE, "", 1, opacity=0.85
        )
    c.line([(x + 35.2, y + 1), (x + 35.2, y + 42)], "text", 1.5, stroke_dasharray="3 2")


def clusters(c: Canvas, x: float, y: float) -> None:
    """A map of embeddings."""
    spots = ((10, 14), (15, 9), (18, 17), (11, 22), (22, 11), (26, 19), (17, 27))
    for a, b in spots:
        c.circle(x + a, y + b, 2.8, ink.OTHER)
    for a, b in ((44, 26), (50, 31), (41, 34), (48, 38), (54, 24), (37, 29)):
        c.circle(x + a, y + b, 2.8, ink.LANDSLIDE)
    c.curve(
        f"M{x + 14} {y + 42} C {x + 30} {y + 30} {x + 34} {y + 22} {x + 46} {y + 4}",
        "soft",
        1.2,
        stroke_dasharray="3 3",
    )


def heat(c: Canvas, x: float, y: float) -> None:
    """Where in the patch a network looks."""
    c.rect(x + 11, y + 3, 38, 38, ink.OPTICAL, "", 3, opacity=0.35)
    for r, share in ((15, 0.25), (10, 0.4), (5.5, 0.9)):
        c.circle(x + 33, y + 19, r, ink.LANDSLIDE, "", opacity=share)


def occluded(c: Canvas, x: float, y: float) -> None:
    """A stack with one band taken out, and what that costs."""
    for i, share in enumerate((0.3, 0.85, 0.5, 0.2)):
        c.rect(x + 4, y + 2 + 10.5 * i, 14, 8, "" if i == 1 else ink.SAR_AFTER, "soft" if i == 1 else "", 1.5, 1,
               opacity=0.9)  # fmt: skip
        c.rect(x + 22, y + 2 + 10.5 * i, 34 * share, 8, ink.LANDSLIDE, "", 1.5, opacity=0.4 + 0.6 * share)


def several(n: int) -> Glyph:
    """The networks of all folds, one behind the other."""

    def draw(c: Canvas, x: float, y: float) -> None:
        k = min(n, 4)
        for i in range(k):
            a, b = x + 4 + 9 * (k - 1 - i), y + 2 + 4 * i
            c.line([(a, b), (a + 24, b + 8), (a + 24, b + 20), (a, b + 28)], "card", 1.2, ink.NETWORK, True)

    return draw


def patch(c: Canvas, x: float, y: float) -> None:
    """A new patch."""
    c.rect(x + 12, y + 4, 36, 36, ink.OPTICAL, "", 3, opacity=0.55)
    c.curve(f"M{x + 22} {y + 8} C {x + 34} {y + 14} {x + 24} {y + 26} {x + 38} {y + 37} L {x + 28} {y + 37} "
            f"C {x + 18} {y + 28} {x + 26} {y + 18} {x + 18} {y + 10} Z", "", 0, "#C9A27A")  # fmt: skip


def answer(c: Canvas, x: float, y: float) -> None:
    """Landslide, or not."""
    c.rect(x + 4, y + 4, 52, 16, ink.LANDSLIDE, "", 8)
    c.rect(x + 4, y + 24, 52, 16, ink.OTHER, "", 8)
    c.line([(x + 24, y + 12), (x + 28, y + 16), (x + 36, y + 8)], "card", 2)
    c.line([(x + 24, y + 32), (x + 36, y + 32)], "card", 2)


def outline(c: Canvas, x: float, y: float) -> None:
    """The outline of a landslide, pixel by pixel."""
    c.rect(x + 11, y + 3, 38, 38, "faint", "", 2, opacity=0.5)
    for i, row in enumerate(("0110", "0111", "0011", "0010")):
        for j, on in enumerate(row):
            if on == "1":
                c.rect(x + 13 + 9 * j, y + 5 + 9 * i, 8, 8, ink.LANDSLIDE, "", 1)


def average(c: Canvas, x: float, y: float) -> None:
    """Several answers and their mean."""
    for i, height in enumerate((22, 30, 18, 27, 24)):
        c.rect(x + 7 + 9.5 * i, y + 40 - height, 7.5, height, ink.NETWORK, "", 1, opacity=0.55)
    c.line([(x + 3, y + 16), (x + 57, y + 16)], ink.LANDSLIDE, 2)
