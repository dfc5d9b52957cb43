"""What a page shows: its figures, its texts, and that none of them is markup that a user smuggled in."""

from __future__ import annotations

import json
import re

from tests.dashboard.ui.test_escaping import texts


def harmless(at) -> None:
    """Nothing failed, and no name of the hostile run became a link, a picture or a tag."""
    assert not at.exception and not at.error, [e.value for e in at.error]
    for text in texts(at):
        assert not re.search(r"(?<!\\)<(img|script|b|u)\b", text), text
        assert not re.search(r"(?<!\\)\]\((javascript|http)", text), text
        assert "http://x.example" not in text, text


def figures(at) -> list[dict]:
    """The plotly figures, in order."""
    return [json.loads(chart.proto.spec) for chart in at.get("plotly_chart")]


def labels(at) -> list[str]:
    """What the buttons say."""
    return [button.label for button in at.button]


def submit(at, label: str):
    """Press the button of a form."""
    return next(button for button in at.button if button.label == label).click().run()
