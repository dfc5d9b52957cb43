"""The framework and the process of a run (paper A's Figures 2 and 3, paper B's Figure 3), laid out for its width.

Every function returns the text of one SVG picture. dark: for a dark ground, a light one, or None, which follows the
viewer's settings. narrow: one column, for a telephone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from core.config import RunConfig
from core.config.training import COLUMNS
from core.drawings import glyphs, steps
from core.drawings.canvas import HEAD, LANDSLIDE, NETWORK, SYNTHETIC, WHITE, Canvas, wrapped
from core.drawings.facts import Facts
from core.drawings.steps import Step

WIDE, NARROW = 1040, 400
PAD, GAP, HERO = 14.0, 30.0, 150.0
TITLE, BODY = 13.5, 12.0
_LINE = BODY * 1.3


@dataclass(frozen=True)
class Panel:
    """Steps with a heading. colour: of its edge. choices: side by side before the others; each answers by itself."""

    heading: str
    about: str
    colour: str
    steps: tuple[Step, ...]
    choices: tuple[Step, ...] = ()


def framework(config: RunConfig, facts: Facts, dark: bool | None = None, narrow: bool = False) -> str:
    """What the run is made of, in parts: data, network, decision, explanations. Steps that are off are not there."""
    panels = [
        Panel("Data and augmentation", "", SYNTHETIC, tuple(steps.data_steps(config, facts))),
        Panel("Network" if config.model.backbone != COLUMNS else "Training", "", NETWORK,
              tuple(steps.network_steps(config, facts))),
        Panel("Heads and decision", "", HEAD, tuple(steps.decision_steps(config, facts)),
              tuple(steps.head_steps(config, facts))),
    ]  # fmt: skip
    shown = Panel("Explanations", "", LANDSLIDE, tuple(steps.shown_steps(config, facts)))
    width = NARROW if narrow else WIDE
    c = Canvas(width, f"Framework of a run with {config.model.backbone}", dark)
    if narrow:
        y = _stacked(c, [*panels, *([shown] if shown.steps else [])], PAD)
        return c.finish(y)
    each = (width - 2 * PAD - 2 * GAP) / 3
    height = max(_column_height(panel, each) for panel in panels)
    for i, panel in enumerate(panels):
        x = PAD + i * (each + GAP)
        _frame(c, panel, x, PAD, each, height, i + 1)
        _column(c, panel, x + PAD, PAD + 46, each - 2 * PAD, height - 46 - PAD)
        if i:
            c.arrow(x - GAP + 5, PAD + height / 2, x - 5, PAD + height / 2)
    y = PAD + height
    if shown.steps:
        c.arrow(width / 2, y + 4, width / 2, y + GAP - 5)
        y = _row(c, shown, PAD, y + GAP, width - 2 * PAD, 4, arrows=False)
    return c.finish(y + PAD)


def process(config: RunConfig, facts: Facts, dark: bool | None = None, narrow: bool = False) -> str:
    """How it is trained fold by fold, how it is evaluated, and how a new patch is answered."""
    k = config.folds.n_splits
    made = Step("embedding", glyphs.vector, "Embeddings", ("of every real patch",))
    heads = steps.head_steps(config, facts)
    head = _heads_together(config, heads)
    training = [
        *steps.input_steps(config, facts), steps.normalise_step(config), *steps.balance_steps(config, facts),
        *_together(steps.online_steps(config)), steps.train_step(config), made, head,
    ]  # fmt: skip
    evaluation = [
        Step("oof", glyphs.folds(k), "Out of fold", ("each patch by the one fold", "that has not seen it"))
        if k > 1
        else Step("oof", glyphs.patch, "Validation part", ("not seen in training",)),
        *steps.decision_steps(config, facts),
    ]
    turned = ("over flips and turns",) if config.train.tta else ()
    often = f"{k} times, on the training part of a fold" if k > 1 else "on the training part"
    inference = [
        Step("new", glyphs.table if config.model.backbone == COLUMNS else glyphs.patch, "New patch", ("same bands",)),
        Step("normalise", glyphs.bell, "Normalise", ("as each fold learnt it",)),
        Step("networks", glyphs.several(k), f"{k} networks" if k > 1 else "Network", turned),
        *([Step("mean", glyphs.average, "Mean", (f"of {k} calibrated probabilities",))] if k > 1 else []),
        Step("answer", glyphs.answer, "Answer", ("above the run's threshold:", facts.positive)),
    ]
    panels = [
        Panel("Training", often, NETWORK, tuple(training)),
        Panel("Evaluation", "on patches that were not trained on", LANDSLIDE, tuple(evaluation)),
        Panel("A new patch", "", HEAD, tuple(inference)),
    ]
    width = NARROW if narrow else WIDE
    c = Canvas(width, f"Training and inference of a run with {config.model.backbone}", dark)
    if narrow:
        return c.finish(_stacked(c, panels, PAD))
    y = PAD
    for i, panel in enumerate(panels):
        if i:
            c.arrow(width / 2, y + 4, width / 2, y + GAP - 5)
            y += GAP
        y = _row(c, panel, PAD, y, width - 2 * PAD, i + 1)
    return c.finish(y + PAD)


def _together(online: Sequence[Step]) -> list[Step]:
    """The steps of a batch as one."""
    if len(online) < 2:
        return list(online)
    words = tuple(word for step in online for word in ((step.title,) if step.key == "mix" else step.lines))
    return [Step("augment", online[0].glyph, "Augment batches", words)]


def _heads_together(config: RunConfig, heads: Sequence[Step]) -> Step:
    titles = tuple(f"{step.title}{' ' + step.lines[0] if step.key == 'svm' else ''}" for step in heads)
    return Step("heads", glyphs.boundary, "Heads" if len(heads) > 1 else "Head", titles)


# ------------------------------------------------------------------------------------------------------- layout


def _frame(c: Canvas, panel: Panel, x: float, y: float, w: float, h: float, number: int) -> None:
    c.rect(x, y, w, h, "panel", "line", 10)
    c.rect(x, y, w, 4, panel.colour, "", 2)
    c.circle(x + PAD + 10, y + 25, 11, panel.colour)
    c.text(x + PAD + 10, y + 29.5, str(number), 13, WHITE, True, "middle")
    c.text(x + PAD + 29, y + 30, panel.heading, 15, "text", True)
    if panel.about:
        c.text(x + w - PAD, y + 30, panel.about, BODY, "soft", anchor="end")


def _step_height(step: Step, width: float) -> float:
    title, words = _words(step, width)
    size = TITLE + (4 if step.strong else 0)
    return max(glyphs.H + 14.0, 18 + len(title) * size * 1.25 + len(words) * _LINE)


def _words(step: Step, width: float) -> tuple[list[str], list[str]]:
    room = width - glyphs.W - 24
    title = wrapped(step.title, TITLE + (4 if step.strong else 0), room, 2)
    return title, [line for text in step.lines for line in wrapped(text, BODY, room, 3)]


def _heights(panel: Panel, width: float) -> list[float]:
    """Of what stands below each other: the choices together, then each step."""
    own = [HERO if step.large else _step_height(step, width) for step in panel.steps]
    return [*([_choices_height(panel.choices, width)] if panel.choices else []), *own]


def _column_height(panel: Panel, width: float) -> float:
    heights = _heights(panel, width - 2 * PAD)
    return 46 + sum(heights) + 18 * max(0, len(heights) - 1) + PAD


def _column(c: Canvas, panel: Panel, x: float, y: float, w: float, h: float) -> None:
    """What a panel holds below each other, with arrows, spread over the height; a large picture takes what is left."""
    heights = _heights(panel, w)
    spare = h - sum(heights) - 18 * (len(heights) - 1)
    large = next((i for i, step in enumerate(panel.steps) if step.large), None)
    if large is not None:
        heights[large] += min(spare, 150.0)
        spare -= min(spare, 150.0)
    gap = 18 + min(16.0, spare / max(1, len(heights) - 1))
    if len(heights) == 1:
        y += max(0.0, spare) / 2
    parts: list[Step | None] = [*([None] if panel.choices else []), *panel.steps]
    for i, (step, height) in enumerate(zip(parts, heights, strict=True)):
        if step is None:
            _choices(c, panel.choices, x, y, w)
        else:
            (_hero if step.large else _card)(c, step, x, y, w, height)
        y += height
        if i + 1 < len(parts):
            middle = x + w / 2
            below = parts[i + 1]
            if below is not None and below.beside:
                c.text(middle, y + gap / 2 + 6, "+", 18, "soft", anchor="middle")
            else:
                c.arrow(middle, y + 2, middle, y + gap - 2)
        y += gap


def _choices_height(choices: Sequence[Step], width: float) -> float:
    each = (width - 12) / 2
    rows = [choices[i : i + 2] for i in range(0, len(choices), 2)]
    return sum(max(_upright_height(step, each) for step in row) for row in rows) + 10 * (len(rows) - 1)


def _choices(c: Canvas, choices: Sequence[Step], x: float, y: float, w: float) -> None:
    """Two beside each other; an odd last one takes the whole width."""
    each = (w - 12) / 2
    for i in range(0, len(choices), 2):
        row = choices[i : i + 2]
        height = max(_upright_height(step, each) for step in row)
        for j, step in enumerate(row):
            _upright(c, step, x + j * (each + 12), y, w if len(row) == 1 else each, height)
        y += height + 10


def _hero(c: Canvas, step: Step, x: float, y: float, w: float, h: float) -> None:
    """A step whose picture is large, above its words."""
    c.rect(x, y, w, h, "card", "line", 8)
    title, words = wrapped(step.title, TITLE + 1.5, w - 20, 2), _lines(step, w - 20)
    below = len(title) * (TITLE + 1.5) * 1.25 + len(words) * _LINE + 12
    scale = min((w - 30) / glyphs.W, (h - below - 16) / glyphs.H)
    with c.scaled(x + (w - glyphs.W * scale) / 2, y + (h - below - glyphs.H * scale) / 2 + 4, scale):
        step.glyph(c, 0, 0)
    top = y + h - below + TITLE
    for line in title:
        c.text(x + w / 2, top, line, TITLE + 1.5, "text", True, "middle")
        top += (TITLE + 1.5) * 1.25
    c.lines(x + w / 2, top - 1, words, BODY, anchor="middle")


def _lines(step: Step, room: float) -> list[str]:
    return [line for text in step.lines for line in wrapped(text, BODY, room, 3)]


def _card(c: Canvas, step: Step, x: float, y: float, w: float, h: float) -> None:
    c.rect(x, y, w, h, "card", "strong" if step.strong else "line", 8, 1.6 if step.strong else 1)
    step.glyph(c, x + 8, y + (h - glyphs.H) / 2)
    title, words = _words(step, w)
    size = TITLE + (4 if step.strong else 0)
    total = len(title) * size * 1.25 + len(words) * _LINE
    top = y + (h - total) / 2 + size * 0.92
    for line in title:
        c.text(x + glyphs.W + 16, top, line, size, "strong" if step.strong else "text", True)
        top += size * 1.25
    c.lines(x + glyphs.W + 16, top - 0.5, words, BODY)


def _stacked(c: Canvas, panels: Sequence[Panel], y: float) -> float:
    """Panels below each other; where the last one ends."""
    width = c.width - 2 * PAD
    for i, panel in enumerate(panels):
        if i:
            c.arrow(c.width / 2, y + 3, c.width / 2, y + 20)
            y += 24
        plain = replace(panel, about="")
        height = _column_height(plain, width)
        _frame(c, plain, PAD, y, width, height, i + 1)
        _column(c, panel, 2 * PAD, y + 46, width - 2 * PAD, height - 46 - PAD)
        y += height
    return y + PAD


def _row(c: Canvas, panel: Panel, x: float, y: float, w: float, number: int, arrows: bool = True) -> float:
    """A panel with its steps side by side, in as many rows as they need; where it ends."""
    n = len(panel.steps)
    rows = -(-n // 5) if n > 6 else 1
    per_row = -(-n // rows)
    gap = 26.0 if arrows else 14.0
    each = (w - 2 * PAD - gap * (per_row - 1)) / per_row
    chunks = [panel.steps[i : i + per_row] for i in range(0, n, per_row)]
    wide = each >= 210
    heights = [max(_step_height(s, each) if wide else _upright_height(s, each) for s in chunk) for chunk in chunks]
    between = 30.0
    height = 46 + sum(heights) + between * (len(chunks) - 1) + PAD
    _frame(c, panel, x, y, w, height, number)
    top = y + 46
    for i, (chunk, tall) in enumerate(zip(chunks, heights, strict=True)):
        if i and arrows:
            _turn(c, x + w - PAD - each / 2, top - between, x + PAD + each / 2, top)
        for j, step in enumerate(chunk):
            left = x + PAD + j * (each + gap)
            (_card if wide else _upright)(c, step, left, top, each, tall)
            if j and arrows:
                c.arrow(left - gap + 4, top + tall / 2, left - 4, top + tall / 2)
        top += tall + between
    return y + height


def _turn(c: Canvas, x1: float, y1: float, x2: float, y2: float) -> None:
    """From the end of one row to the beginning of the next."""
    middle = (y1 + y2) / 2
    c.line([(x1, y1 + 3), (x1, middle), (x2, middle), (x2, y2 - 4)])
    c.line([(x2 - 4.5, y2 - 8), (x2, y2 - 3.5), (x2 + 4.5, y2 - 8)])


def _upright_height(step: Step, width: float) -> float:
    title, words = _upright_words(step, width)
    return 8 + glyphs.H + 8 + len(title) * TITLE * 1.25 + len(words) * _LINE + 10


def _upright_words(step: Step, width: float) -> tuple[list[str], list[str]]:
    title = wrapped(step.title, TITLE + (4 if step.strong else 0), width - 14, 2)
    return title, [line for text in step.lines for line in wrapped(text, BODY, width - 14, 4)]


def _upright(c: Canvas, step: Step, x: float, y: float, w: float, h: float) -> None:
    c.rect(x, y, w, h, "card", "strong" if step.strong else "line", 8, 1.6 if step.strong else 1)
    step.glyph(c, x + w / 2 - glyphs.W / 2, y + 8)
    title, words = _upright_words(step, w)
    size = TITLE + (4 if step.strong else 0)
    top = y + 8 + glyphs.H + 6 + size
    for line in title:
        c.text(x + w / 2, top, line, size, "strong" if step.strong else "text", True, "middle")
        top += size * 1.25
    c.lines(x + w / 2, top - 1, words, BODY, anchor="middle")
