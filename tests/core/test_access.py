"""FAULTS 27: who may change what is decided in core, at every function that changes something for a person."""

import os

import pytest

from core import access
from core.data import exclusions, uploads
from core.data.inventories.join import remove_join
from core.data.label_versions import LabelVersion, write_version
from core.ensembles.folder import EnsembleFolder
from core.ensembles.folder import delete as delete_ensemble
from core.ensembles.make import make
from core.errors import AccessError, ConfigError
from core.jobs import order, queue, webhook
from core.jobs.queue_db import UnwritableQueueError
from core.progress import drain
from core.review import patch_sets
from core.review.judgements import Judgements
from core.runs import labels
from core.runs.prevalence import state_prevalence
from tests.builders import make_dataset, make_run
from tests.command_line import core, core_error

# What changes something for a person -> the weakest role that may.
CHANGES = {
    "submit": ("editor", lambda run, data: queue.submit(run.checkpoints, data, run.config())),
    "submit_analysis": ("editor", lambda run, data: queue.submit_analysis(run, "heads")),
    "cancel": ("editor", lambda run, data: queue.cancel(run.checkpoints, run.name)),
    "resume": ("editor", lambda run, data: queue.resume(run.checkpoints, run.name)),
    "retry": ("editor", lambda run, data: queue.retry(run.checkpoints, run.name)),
    "prioritise": ("editor", lambda run, data: order.prioritise(run.checkpoints, run.name, "first")),
    "start after": ("editor", lambda run, data: order.start_after(run.checkpoints, run.name, [])),
    "pause": ("editor", lambda run, data: order.pause(run.checkpoints, run.name)),
    "go on": ("editor", lambda run, data: order.go_on(run.checkpoints, run.name)),
    "pause the queue": ("admin", lambda run, data: order.pause_queue(run.checkpoints)),
    "tell an address": ("admin", lambda run, data: order.tell(run.checkpoints, "http://127.0.0.1:9")),
    "post": ("admin", lambda run, data: webhook.post("http://127.0.0.1:9", {})),
    "label": ("editor", lambda run, data: labels.write_label(run, title="x")),
    "delete": ("admin", lambda run, data: labels.delete(run)),
    "restore": ("admin", lambda run, data: labels.restore(run.checkpoints, run.name)),
    "empty": ("admin", lambda run, data: labels.empty_deleted(run.checkpoints)),
    "judge": ("reviewer", lambda run, data: Judgements(data).add("patch", "p", "not", "ana")),
    "undo": ("reviewer", lambda run, data: Judgements(data).undo("ana")),
    "import judgements": ("reviewer", lambda run, data: Judgements(data).import_csv("subject,verdict,by\np,not,ana\n")),
    "mark": ("reviewer", lambda run, data: patch_sets.keep(run, ["p"])),
    "exclude": ("editor", lambda run, data: exclusions.add(data, ["p"], "x")),
    "let count": ("editor", lambda run, data: exclusions.remove(data, ["p"])),
    "version": ("editor", lambda run, data: write_version(data, LabelVersion(0, "x", "x", "a", "b", "agreed", ()))),
    "upload": ("editor", lambda run, data: uploads.keep([], run.checkpoints)),
    "upload a scene": ("editor", lambda run, data: uploads.keep_scene([], run.checkpoints)),
    "combine": ("editor", lambda run, data: drain(make([], run.checkpoints))),
    "delete an ensemble": ("admin", lambda run, data: delete_ensemble(EnsembleFolder(run.checkpoints / "x"))),
    "prevalence": ("editor", lambda run, data: state_prevalence(run, 0.1)),
    "unjoin": ("editor", lambda run, data: remove_join(data)),
}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    return make_run(home, make_dataset(home / "datasets" / "tiny.h5", n=12).path)


@pytest.fixture
def acting(monkeypatch):
    def act(role, name=""):
        monkeypatch.setattr(access, "_who", lambda: access.Actor(name, role))

    return act


def found(home):
    return {path: path.stat().st_mtime_ns for path in sorted(home.rglob("*"))}


@pytest.mark.fault(27)
@pytest.mark.parametrize("what", CHANGES)
def test_whoever_may_not_changes_nothing_whichever_way_they_ask(run, acting, what):
    needed, change = CHANGES[what]
    before = found(run.checkpoints)
    weaker = list(access.ROLES)[: list(access.ROLES).index(needed)]
    for role in weaker:
        acting(role, "Ana")
        with pytest.raises(AccessError, match=f"needs the role {needed}.*Ana has the role {role}"):
            change(run, run.dataset_path())
    assert found(run.checkpoints) == before


@pytest.mark.fault(27)
def test_a_process_that_is_only_looked_at_changes_nothing_for_anybody(run, monkeypatch):
    queue.jobs(run.checkpoints)
    monkeypatch.setenv(access.READ_ONLY, "1")
    before = found(run.checkpoints)
    for _, change in CHANGES.values():
        with pytest.raises(AccessError, match="to be looked at only"):
            change(run, run.dataset_path())
    assert [job.state for job in queue.jobs(run.checkpoints)] == ["succeeded"]
    assert queue.active(run.checkpoints) == [] and queue.notices(run.checkpoints) == []
    with pytest.raises(UnwritableQueueError):
        queue.finish(run, "failed")
    assert found(run.checkpoints) == before
    assert "looked at only" in core_error("jobs", "cancel", run.name, "--checkpoints", run.checkpoints)
    assert run.name in core("jobs", "list", "--checkpoints", run.checkpoints).stdout
    assert found(run.checkpoints) == before


def test_who_starts_a_process_may_do_everything(run):
    assert access.actor() == access.OWNER and all(map(access.may, access.RIGHTS))
    assert not access.may("fly") and access.refusal("train") == ""


def test_a_role_that_does_not_exist_may_nothing(acting):
    acting("king")
    assert not any(map(access.may, access.RIGHTS))


@pytest.mark.fault(27)
def test_nobody_judges_under_the_name_of_another(run, acting):
    judgements = Judgements(run.dataset_path())
    acting("reviewer", "ana@geo.example")
    with pytest.raises(AccessError, match="signed in as ana@geo.example and judge under that name, not as ben"):
        judgements.add("patch", "p", "not", "ben")
    with pytest.raises(AccessError):
        judgements.undo("ben")
    with pytest.raises(AccessError, match="needs the role editor"):
        judgements.import_csv("subject,verdict,by\np,not,ben\n")
    assert judgements.add("patch", "p", "not", "ana@geo.example").by == "ana@geo.example"
    assert judgements.undo("ana@geo.example") is not None


ROLES = """
default = "viewer"
claim = "groups"
[people]
"Ana@Geo.example" = "editor"
"@survey.example" = "reviewer"
[groups]
"boss" = "admin"
"""


@pytest.fixture
def roles(tmp_path):
    (tmp_path / "roles.toml").write_text(ROLES)
    return access.roles(tmp_path / "roles.toml")


@pytest.mark.fault(27)
@pytest.mark.parametrize(
    ("claims", "role"),
    [
        ({}, "viewer"),
        ({"email": "ana@geo.example", "email_verified": True}, "editor"),
        ({"email": "ANA@geo.example ", "email_verified": "true"}, "editor"),
        ({"email": "ana@geo.example"}, "viewer"),  # nobody has verified that it is hers
        ({"email": "ana@geo.example", "email_verified": False}, "viewer"),
        ({"email": "ben@survey.example", "email_verified": True}, "reviewer"),
        ({"email": "ben@survey.example@evil.example", "email_verified": True}, "viewer"),
        ({"email": "ben@evil.example", "email_verified": True, "name": "ana@geo.example"}, "viewer"),
        ({"groups": ["staff", "boss"]}, "admin"),
        ({"groups": "boss"}, "admin"),
        ({"groups": [["boss"], None, 3, {"boss": "boss"}]}, "viewer"),
        ({"roles": ["boss"]}, "viewer"),
    ],
)
def test_a_role_comes_from_a_verified_address_or_a_group(roles, claims, role):
    assert roles.of(claims) == role


@pytest.mark.fault(27)
def test_without_a_file_nobody_has_a_role_and_a_wrong_one_gives_none(tmp_path):
    assert access.roles(tmp_path / "no.toml").of({"email": "ana@geo.example", "email_verified": True}) == "none"
    wrong = ("default = 'king'", "[people]\nana = 'boss'", "[admins]\nana='x'", "people = 3", "a b", "default = 1",
             "any_email = 'yes'", "\xff")  # fmt: skip
    for text in wrong:
        path = tmp_path / "wrong.toml"
        path.write_bytes(text.encode("latin-1"))
        with pytest.raises(ConfigError, match=r"wrong.toml cannot be used"):
            access.roles(path)


def test_a_file_that_was_changed_counts_at_once(tmp_path):
    path = tmp_path / "roles.toml"
    path.write_text('default = "viewer"')
    assert access.roles(path).of({}) == "viewer"
    path.write_text('default = "none"  # since today')
    os.utime(path, (1, 1))
    assert access.roles(path).of({}) == "none"
