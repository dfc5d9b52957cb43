"""The warm process asked in real: answers, errors, questions left for later, a process that is lost."""

import time

import pytest

from core.errors import RunError
from core.workers.model_client import ModelClient
from tests import made_up_analysis


@pytest.fixture
def client(monkeypatch):
    monkeypatch.setenv("LANDSLIDE_ANALYSES", made_up_analysis.__name__)
    client = ModelClient()
    yield client
    client.close()


def nap(patch):
    return {"do": "nap", "run": "no-such-run", "patch": patch}


def soon(client, request, seconds=60):
    deadline = time.monotonic() + seconds
    while (answer := client.later(request)) is None:
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.02)
    return answer


def test_it_answers_for_a_patch_by_the_name_of_an_analysis(client):
    assert client.ask(nap("p1")) == {"patch": "p1", "dream": "of other patches"}
    process = client._process
    assert client.ask(nap("p2"))["patch"] == "p2" and client._process is process, "one process for all questions"


def test_what_cannot_be_answered_is_a_sentence_and_the_process_stays(client):
    with pytest.raises(RunError, match="Nothing is called 'dance' here. Known: .*nap"):
        client.ask({"do": "dance", "run": "x"})
    process = client._process
    assert client.ask(nap("p1")) and client._process is process


def test_a_question_for_later_never_waits_and_is_answered_once(client):
    began = time.monotonic()
    assert client.later(nap("p1")) is None and time.monotonic() - began < 5, "the process is only starting"
    assert soon(client, nap("p1"))["patch"] == "p1"
    sent = client._number
    assert client.later(nap("p1"))["patch"] == "p1" and client._number == sent, "the answer is kept"


def test_a_question_asked_meanwhile_does_not_get_the_answer_of_another(client):
    assert client.later(nap("late")) is None
    client.prepare(type("Run", (), {"path": "no-such-run"})(), 0)  # its reply is an error that nobody waits for
    assert client.ask(nap("now"))["patch"] == "now"
    assert soon(client, nap("late"))["patch"] == "late"


def test_an_error_for_later_is_raised_and_can_be_asked_again(client):
    wrong = {"do": "dance", "run": "x"}
    for _ in range(2):
        with pytest.raises(RunError, match="Nothing is called 'dance'"):
            soon(client, wrong)


def test_a_process_that_was_killed_is_told_and_started_again(client):
    client.ask(nap("p1"))
    client._process.kill()
    client._process.wait()
    assert client.ask(nap("p2"))["patch"] == "p2"


def test_a_process_lost_while_it_answers_is_a_sentence(client, monkeypatch):
    client.ask(nap("p1"))
    send = client._send

    def and_die(request):
        number = send(request)
        client._process.kill()
        return number

    monkeypatch.setattr(client, "_send", and_die)
    with pytest.raises(RunError, match="was lost"):
        for _ in range(100):  # the answer may have been quicker than the end
            client.ask(nap("p2"))
