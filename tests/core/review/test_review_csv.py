"""A review as CSV: it comes back as it was, no spreadsheet runs it, and a bad file is refused whole."""

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import FormatError
from core.io.csv_injection import guarded, unguarded
from core.review.judgements import Judgements


@pytest.fixture
def desk(tmp_path):
    def new(name):
        (tmp_path / name).mkdir(exist_ok=True)
        return Judgements(tmp_path / name)

    return new


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
NAMES = TEXT.filter(lambda text: text.strip())
TAGS = st.lists(NAMES.filter(lambda text: ";" not in text and "\n" not in text and "\r" not in text), max_size=3)
PLACES = st.one_of(
    st.none(),
    st.fixed_dictionaries({"lonlat": st.tuples(st.floats(-180, 180), st.floats(-90, 90))}),
    st.just({"box": (179.5, -10.0, -179.5, 0.1), "lonlat": (180.0, -5.0)}),
)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(NAMES, NAMES, TEXT, TAGS, PLACES, st.booleans()), min_size=1, max_size=4))
def test_an_export_comes_back_as_it_was(tmp_path_factory, rows):
    here, there = (Judgements(tmp_path_factory.mktemp(name)) for name in ("here", "there"))
    for by, subject, note, tags, place, undo in rows:
        here.add("patch", subject, "not", by, note=note, tags=tags, place=place)
        if undo:
            here.undo(by)
    text = here.export_csv()
    assert there.import_csv(text) == len(here.history())
    assert there.history() == here.history() and there.latest() == here.latest()
    assert there.export_csv() == text
    assert there.import_csv(text) == 0 and here.import_csv(text) == 0


@given(st.text())
def test_guarded_text_runs_nowhere_and_comes_back(text):
    assert unguarded(guarded(text)) == text
    assert not guarded(text).startswith(("=", "+", "-", "@", "\t", "\r"))


def test_no_cell_is_a_formula(desk):
    here = desk("here")
    here.add("patch", "=cmd()", "not", "@ana", note='+1;"x"', tags=["-t"])
    (row,) = list(csv.DictReader(io.StringIO(here.export_csv())))
    assert [row[name][:1] for name in ("subject", "by", "note", "tags")] == ["'"] * 4


def test_two_desks_exchange_their_reviews(desk):
    ana, ben = desk("a"), desk("b")
    ana.add("patch", "p", "not", "ana")
    ben.add("patch", "p", "landslide", "ben")
    ben.add("patch", "q", "unsure", "ben")
    ben.undo("ben")
    assert ana.import_csv(ben.export_csv()) == 3 and ben.import_csv(ana.export_csv()) == 1
    assert ana.history() == ben.history() and len(ana.disagreements()) == 1


def test_a_table_by_hand_is_read_once(desk):
    here = desk("here")
    text = "\ufeffsubject, verdict ,by\np1,landslide,Ana\n p2 ,not,Ana\n\n"
    assert here.import_csv(text) == 2 and here.import_csv(text) == 0
    assert {e.subject: (e.kind, e.verdict) for e in here.latest()} == {
        "p1": ("patch", "landslide"),
        "p2": ("patch", "not"),
    }


HEAD = "key,at,by,kind,subject,verdict,note,tags,west,south,east,north,lon,lat,undoes\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no column subject, verdict, by"),
        ("id,label\np,1\n", "no column subject"),
        ("subject,verdict,by,by\np,not,a,b\n", "two columns of one name"),
        ("subject,verdict,by\np,not\n", "Line 2: 2 cells for 3 columns"),
        ("subject,verdict,by\np,not,ana\nq,perhaps,ana\n", "Line 3: 'perhaps' is no judgement"),
        ("subject,verdict,by\np,not,\n", "Line 2: The reviewer's name is missing"),
        ("subject,verdict,by,at\np,not,ana,yesterday\n", "Line 2: 'yesterday' is no time"),
        ("subject,verdict,by,lon\np,not,ana,3\n", "Line 2: A place needs all of lon, lat"),
        ("subject,verdict,by,lon,lat\np,not,ana,3,x\n", "as numbers"),
        ('subject,verdict,by\n"p,not,ana\n', "Line 2"),
        (HEAD + "k,2026-01-01T00:00:00Z,ana,patch,p,undo,,,,,,,,,zz\n", "takes back an entry of ana"),
        ("subject,verdict,by\n" + "p,x,a\n" * 9, "6 more rows are wrong"),
    ],
)
def test_a_bad_file_is_refused_whole(desk, text, words):
    here = desk("here")
    here.add("patch", "kept", "not", "ana")
    before = here.history()
    with pytest.raises(FormatError, match=words) as told:
        here.import_csv(text, "review.csv")
    assert "review.csv" in str(told.value) and here.history() == before


def test_an_entry_is_not_changed_by_an_import(desk):
    here = desk("here")
    here.add("patch", "p", "not", "ana")
    with pytest.raises(FormatError, match="is here already and says something else"):
        here.import_csv(here.export_csv().replace(",not,", ",landslide,"))
    assert here.latest()[0].verdict == "not"


def test_nobody_takes_back_what_another_said(desk):
    here = desk("here")
    kept = here.add("patch", "p", "not", "ana")
    row = f"k,2026-01-01T00:00:00Z,ben,patch,p,undo,,,,,,,,,{kept.key}\n"
    with pytest.raises(FormatError, match="takes back an entry of ben"):
        here.import_csv(HEAD + row)
