"""The door in front of the dashboard: other pages stay out, a session's uploads are counted, old ones are swept."""

import os
import time

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from core.runs import remembered
from core.runs.labels import title_of, titles_of
from core.runs.store import RunFolder
from dashboard import server


async def _answer(request):
    return PlainTextResponse("taken")


async def _talk(websocket):
    await websocket.accept()
    await websocket.send_text("hello")
    await websocket.close()


@pytest.fixture
def client():
    uploads = Route("/_stcore/upload_file/{session}/{file}", _answer, methods=["PUT", "DELETE"])
    routes = [uploads, Route("/", _answer), WebSocketRoute("/_stcore/stream", _talk)]
    return TestClient(Starlette(routes=routes, middleware=[Middleware(server.Door)]), "http://localhost:8501")


@pytest.mark.fault(26)
@pytest.mark.parametrize("origin", ["http://localhost:9000", "http://localhost", "http://evil.example", "null"])
def test_a_page_of_another_port_or_host_opens_no_websocket(client, origin):
    with pytest.raises(WebSocketDisconnect), client.websocket_connect("/_stcore/stream", headers={"Origin": origin}):
        pass
    assert client.put("/_stcore/upload_file/s/f", content=b"x", headers={"Origin": origin}).status_code == 403


@pytest.mark.fault(26)
@pytest.mark.parametrize("headers", [{}, {"Origin": "http://localhost:8501"}])
def test_its_own_pages_do(client, headers):
    headers = {"Host": "localhost:8501", **headers}
    with client.websocket_connect("/_stcore/stream", headers=headers) as open_one:
        assert open_one.receive_text() == "hello"
    assert client.get("/", headers=headers).text == "taken"


@pytest.mark.fault(26)
def test_made_up_file_ids_do_not_fill_the_memory(client):
    answers = [client.put(f"/_stcore/upload_file/s/{i}", content=b"x").status_code for i in range(server.MAX_FILES + 3)]
    assert answers == [200] * server.MAX_FILES + [413] * 3
    assert client.delete("/_stcore/upload_file/s/0").status_code == 200
    assert client.put("/_stcore/upload_file/s/new", content=b"x").status_code == 200
    assert client.put("/_stcore/upload_file/another/0", content=b"x").status_code == 200
    large = {"Content-Length": str(server.MAX_BYTES)}
    assert client.put("/_stcore/upload_file/third/0", content=b"x", headers=large).status_code == 200
    assert client.put("/_stcore/upload_file/third/1", content=b"xx").status_code == 413


@pytest.mark.fault(26)
def test_uploads_that_a_stopped_server_left_are_swept_when_the_next_one_starts(tmp_path, monkeypatch):
    monkeypatch.setenv("LANDSLIDE_CHECKPOINTS", str(tmp_path))
    old, new = (tmp_path / "datasets" / ".uploads" / f"up-{name}" for name in ("old", "new"))
    for folder in (old, new):
        folder.mkdir(parents=True)
    os.utime(old, (time.time() - 300,) * 2)
    with TestClient(Starlette(lifespan=server._swept)):
        assert new.is_dir() and not old.exists()


def test_runs_are_read_before_the_first_page_is_asked_for(studio, monkeypatch):
    run = studio.add_run(studio.add_dataset())
    title = title_of(run)
    remembered._known.clear()
    server.read_runs()
    monkeypatch.setattr(RunFolder, "config", None)  # whoever reads it now fails
    assert titles_of([run]) == {run.name: title}
    assert server.state.known(run.checkpoints)[1] == {run.name: run.dataset_path().stem}


def test_a_server_starts_beside_runs_that_cannot_be_read(monkeypatch):
    def refused(root):
        raise PermissionError(root)

    monkeypatch.setattr(server, "list_runs", refused)
    server.read_runs()
