"""FAULTS 23, 26 and 27 against the server itself, as it is started for people: what it refuses over the network."""

import http.client
import json
import os
import subprocess
import sys
from urllib.parse import urlsplit

import pytest

from core.access import READ_ONLY
from tests.browser.conftest import _served as served

BOUNDARY = "x" * 16
SOCKET = {
    "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}  # fmt: skip


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """Host and port of a dashboard; its folders are of this module alone."""
    home = tmp_path_factory.mktemp("server")
    for address in served("dashboard/server.py", home / "checkpoints", home):
        yield urlsplit(address).netloc


def ask(server, method, path, headers=None, body=None):
    """(status, body) of one request, sent as it is written: nothing tidies the path."""
    connection = http.client.HTTPConnection(server, timeout=30)
    try:
        connection.putrequest(method, path, skip_host="Host" in (headers or {}))
        for name, value in (headers or {}).items():
            connection.putheader(name, value)
        if body is not None:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        answer = connection.getresponse()
        return answer.status, b"" if answer.status == 101 else answer.read()
    finally:
        connection.close()


def upload():
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="f"; filename="../../x.csv"\r\n\r\n'
    return f"{head}id,p\r\n--{BOUNDARY}--\r\n".encode(), {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}


@pytest.mark.fault(26)
def test_a_page_of_another_site_opens_no_websocket_and_its_own_does(server):
    own = {"Origin": f"http://{server}"}
    assert ask(server, "GET", "/_stcore/stream", SOCKET | own)[0] == 101
    for origin in ("http://evil.example", "http://localhost:1", "null", f"http://{server}.evil.example"):
        assert ask(server, "GET", "/_stcore/stream", SOCKET | {"Origin": origin})[0] == 403, origin


@pytest.mark.fault(26)
def test_a_forged_host_opens_no_websocket(server):
    port = server.rpartition(":")[2]
    for host in (f"evil.example:{port}", "evil.example", f"localhost.evil.example:{port}"):
        headers = SOCKET | {"Host": host, "Origin": f"http://{host}"}  # as a name that was rebound to this machine
        assert ask(server, "GET", "/_stcore/stream", headers)[0] == 403, host


@pytest.mark.fault(26)
def test_an_upload_without_the_cookie_or_the_session_is_refused(server):
    body, kind = upload()
    path = "/_stcore/upload_file/no-such-session/file"
    assert ask(server, "PUT", path, kind | {"Origin": f"http://{server}"}, body)[0] in (400, 403)
    assert ask(server, "PUT", path, kind | {"Origin": "http://evil.example"}, body)[0] == 403


@pytest.mark.fault(23, 26)
@pytest.mark.parametrize(
    "path",
    [
        "/../../etc/passwd", "/static/../../etc/passwd", "/..%2f..%2fetc/passwd", "/%2e%2e/%2e%2e/etc/passwd",
        "/media/../../../etc/passwd", "/app/static/../../core/access.py", "//etc/passwd", "/..\\..\\etc\\passwd",
        "/component/x/../../../../etc/passwd", "/static/%00", "/media/" + "a" * 5000,
    ],
)  # fmt: skip
def test_paths_that_lead_out_give_nothing_of_the_machine(server, path):
    status, content = ask(server, "GET", path)
    assert status < 500 and b"root:" not in content and b"STRONGEST_FIRST" not in content
    assert status >= 400 or b'<div id="root">' in content, "the page itself is what an unknown path gives"


@pytest.mark.fault(26)
def test_the_server_listens_on_this_machine_alone(server):
    port = int(server.rpartition(":")[2])
    listening = subprocess.run(["ss", "-Hltn", f"sport = :{port}"], capture_output=True, text=True)
    if listening.returncode:
        pytest.skip("ss is not installed here.")
    addresses = [line.split()[3].rpartition(":")[0] for line in listening.stdout.splitlines()]
    assert addresses and all(one.strip("[]") in ("127.0.0.1", "::1") for one in addresses), addresses


@pytest.mark.fault(26, 28)
def test_what_the_server_answers_shows_no_path_and_no_traceback(server):
    for path in ("/", "/_stcore/health", "/no/such/page", "/_stcore/host-config"):
        _, content = ask(server, "GET", path)
        assert b"Traceback" not in content and os.getcwd().encode() not in content


@pytest.mark.fault(27)
def test_a_server_that_is_only_looked_at_takes_no_upload():
    code = (
        "import sys; sys.path.insert(0, '.')\n"
        "from starlette.testclient import TestClient\nfrom dashboard import server\n"
        "async def taken(scope, receive, send):\n"
        "    from starlette.responses import PlainTextResponse\n"
        "    await PlainTextResponse('taken')(scope, receive, send)\n"
        "client = TestClient(server.Door(taken), 'http://localhost:8501')\n"
        "verbs, path = ('put', 'post', 'get', 'delete'), '/_stcore/upload_file/s/f'\n"
        "said = [getattr(client, verb)(path).status_code for verb in verbs]\n"
        "import json; print(json.dumps(said))"
    )
    for setting, expected in ({READ_ONLY: "1"}, [403, 403, 200, 200]), ({}, [200, 200, 200, 200]):
        environment = {name: value for name, value in os.environ.items() if name != READ_ONLY} | setting
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
        assert done.returncode == 0 and json.loads(done.stdout.splitlines()[-1]) == expected, done.stderr
