import tomllib
from pathlib import Path

import plotly.graph_objects as go
import pytest

from core.config import HeadsConfig
from core.heads.blend import WITHOUT_NETWORK
from dashboard import theme
from dashboard.patches.tiles import luminance

ROOT = Path(__file__).resolve().parents[2]


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize(
    ("head", "title"),
    [
        ("svm_c0.1", "SVM (C 0.1)"),
        ("svm_c0.3_g0.001", "SVM (C 0.3, gamma 0.001)"),
        ("svm_c1_gscale", "SVM (C 1, gamma scale)"),
        ("lgbm", "Boosted trees"),
        ("stats_boost", "Band statistics, boosted trees"),
        ("something", "something"),
    ],
)
def test_a_head_has_a_name_for_people(head, title):
    assert theme.head_title(head) == title


def test_heads_of_a_run_have_names_and_colours_of_their_own():
    names = tuple(dict.fromkeys((*HeadsConfig(blend=True).names, *WITHOUT_NETWORK)))
    assert len({theme.head_title(name) for name in names}) == len(names)
    assert len({theme.head_colour(name, names) for name in names}) == len(names)


@pytest.mark.parametrize(("dark", "ground"), [(False, "#FFFFFF"), (True, "#12181D")])
def test_ticks_titles_and_legend_read_on_their_ground(dark, ground):
    figure = go.Figure([go.Bar(x=[1], y=[2], name="a"), go.Heatmap(z=[[1]])])
    figure.update_layout(xaxis_title="x", yaxis_title="y")
    sent = theme.as_sent(figure, dark)
    layout, scale = sent["layout"], sent["data"][1]["colorbar"]
    fonts = (layout["xaxis"]["tickfont"], layout["yaxis"]["title"]["font"], layout["legend"]["font"], scale["tickfont"])
    inks = {font["color"] for font in fonts}
    assert go.Figure(sent).layout.yaxis.title.text == "y", "a figure that plotly knows"
    assert len(inks) == 1 and contrast(inks.pop(), ground) >= 7


def test_the_fonts_that_are_named_are_shipped():
    config = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())["theme"]
    assert (config["font"], config["codeFont"]) == ("sans-serif", "monospace")  # Streamlit's own, in its package
    for picture in (ROOT / "dashboard").glob("*.svg"):
        assert "font-family" not in picture.read_text()
