"""A report as a file: every text is shown as it was written, nothing runs, nothing is loaded from elsewhere."""

import re
from html.parser import HTMLParser

import pytest
from jinja2 import UndefinedError

from core.report import page, parts
from core.report.icons import hundred

EVIL = (
    "<img src=x onerror=alert(1)>", "[x](javascript:alert(2))", "![](http://x.example/o.png)", "=HYPERLINK(1)",
    "</title></style></svg><script>alert(3)</script>", "\"' onload=alert(4) {{ 7*7 }} {% raw %} $x^2$ &amp;",
)  # fmt: skip


def everything(text):
    """A document with ``text`` wherever a text can stand."""
    svg = hundred(0.5, (0.4, 0.6), ("#112233", "#445566"), text)
    figure = parts.Figure(svg, text, text, text)
    picture = parts.Picture("data:image/jpeg;base64,AA==", text, (text, text), "#112233")
    every = (
        parts.Words(text), parts.Points((text,), text), parts.Numbers((parts.Number(text, text, text),)), figure,
        parts.Row((figure,)), parts.Pictures((picture,), text, text, 6), parts.Code(text),
        parts.Table((text, "b"), ((text, text),), text), parts.Checks(((True, text, text), (None, text, text))),
    )  # fmt: skip
    front = parts.FrontPage(
        text, text, (parts.Row((figure,)),), (parts.Number(text, text),), (parts.Points((text,)),), text
    )
    sections = (parts.Section("a", text, text, every, (text,)), parts.Missing("b", text, text, text))
    return parts.Document("run", text, text, ((text, text),), sections, "now", front, text)


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.attributes, self.words = set(), set(), []

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data):
        self.words.append(data)


def read(html):
    parser = Tags()
    parser.feed(html)
    return parser


@pytest.mark.fault(24)
@pytest.mark.parametrize("text", EVIL)
def test_what_a_user_wrote_stays_text(text):
    plain, evil = read(page.html_of(everything("name"))), read(page.html_of(everything(text)))
    assert evil.tags == plain.tags and evil.attributes == plain.attributes
    assert "script" not in evil.tags and not [name for name in evil.attributes if name.startswith("on")]
    assert text in evil.words


@pytest.mark.fault(24)
def test_the_policy_lets_nothing_in_and_no_address_is_named():
    html = page.html_of(everything("name"))
    assert f'content="{page.POLICY.replace(chr(39), "&#39;")}"' in html
    assert "default-src 'none'" in page.POLICY and "img-src data:" in page.POLICY and "script-src" not in page.POLICY
    found = re.findall(r"""(?:src|href|url\()=?["']?([^"')\s>]+)""", html)
    assert all(one.startswith(("#", "data:")) for one in found), found


def test_each_section_is_linked_and_what_is_missing_says_how_to_get_it():
    html = page.html_of(everything("name"))
    assert '<a href="#a">' in html and 'id="a"' in html and 'class="absent"' in html
    assert "Not computed." in html
    assert everything("name").missing[0].anchor == "b"


def test_a_name_that_the_template_does_not_know_is_a_fault():
    template = page._template()[0]
    with pytest.raises(UndefinedError):
        template.render(document=everything("name"))


def test_a_table_of_pandas_has_a_dash_where_nothing_is():
    import pandas as pd

    table = parts.table_of(pd.DataFrame({"a": ["x", None], "b": [1.5, float("nan")]}), "c", ("b",))
    assert table.rows == (("x", "1.5"), ("–", "–")) and table.numeric == ("b",)
