"""The server: ``streamlit run dashboard/server.py``. The dashboard behind a door of its own.

Streamlit lets every page of localhost, on any port, open its websocket and upload; here only pages of this very server
may, and those named in ``server.corsAllowedOrigins``. A session's uploads are counted, by the ids that its browser
makes up. What earlier servers left of uploads is swept at the start and at the end. Before the first page is asked for
all of the dashboard is imported (1.5 s) and the runs are read (half a second for a thousand), so that the first look at
a page takes as long as the next.
"""

import gc
import importlib
import logging
import pkgutil
import sys
from collections import OrderedDict
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from urllib.parse import urlparse

ROOT = Path(__file__).resolve().parents[1]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

# What is kept before Streamlit's runtime begins stays in memory, as it is meant to: no news for whoever starts this.
logging.getLogger("streamlit.runtime.caching.cache_data_api").addFilter(
    lambda record: not record.getMessage().startswith("No runtime found")
)

import streamlit as st  # noqa: E402
from starlette.middleware import Middleware  # noqa: E402
from starlette.responses import PlainTextResponse  # noqa: E402

import dashboard  # noqa: E402
from core.data.uploads import MAX_MB  # noqa: E402
from core.errors import LandslideLensError  # noqa: E402
from core.runs.labels import titles_of  # noqa: E402
from core.runs.store import list_runs  # noqa: E402
from dashboard import sign_in, state  # noqa: E402
from dashboard.jobs import stale_uploads  # noqa: E402

MAX_FILES = 64  # that one session may keep in memory
MAX_BYTES = 512 * 2**20
SESSIONS = 1000  # whose uploads are counted
IN_FLIGHT_S = 60.0  # an upload may have been written by a server beside this one, whose job is not there yet
_UPLOADS = "/_stcore/upload_file/"


class Door:
    """Refuses what other pages send, and uploads beyond a session's share, before Streamlit sees them."""

    def __init__(self, app) -> None:
        self.app = app
        self.kept: OrderedDict[str, dict[str, int]] = OrderedDict()  # session -> file's id -> bytes

    async def __call__(self, scope, receive, send) -> None:
        """See ASGI."""
        if scope["type"] not in ("http", "websocket"):
            return await self.app(scope, receive, send)
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        if not is_own(headers.get("origin"), headers.get("host")) and _changes(scope):
            return await _refuse(scope, receive, send, 403, "This dashboard takes requests of its own pages only.")
        if scope["type"] == "http" and _uploads(scope) and sign_in.nobody_changes():
            return await _refuse(scope, receive, send, 403, "This dashboard is read-only: it takes no uploads.")
        if scope["type"] == "http" and not self._may_upload(scope, headers):
            return await _refuse(scope, receive, send, 413, "Too many uploads. Remove some, or reload the page.")
        return await self.app(scope, receive, send)

    def _may_upload(self, scope, headers) -> bool:
        place = scope["path"].partition(_UPLOADS)[2]
        session, _, file = place.partition("/")
        if not file or scope["method"] not in ("PUT", "POST", "DELETE"):
            return True
        if scope["method"] == "DELETE":
            self.kept.get(session, {}).pop(file, None)
            return True
        length = headers.get("content-length", "")
        files = self.kept.get(session, {}) | {file: int(length) if length.isdecimal() else MAX_MB * 2**20}
        if len(files) > MAX_FILES or sum(files.values()) > MAX_BYTES:
            return False
        self.kept[session] = files
        self.kept.move_to_end(session)
        while len(self.kept) > SESSIONS:
            self.kept.popitem(last=False)
        return True


def is_own(origin: str | None, host: str | None) -> bool:
    """Whether a request comes from a page of this server, from no page at all, or from one that the settings name."""
    if origin is None:
        return True
    return urlparse(origin).netloc == host or origin in st.get_option("server.corsAllowedOrigins")


def _uploads(scope) -> bool:
    return scope["method"] in ("PUT", "POST") and _UPLOADS in scope["path"]


def _changes(scope) -> bool:
    return scope["type"] == "websocket" or scope["method"] not in ("GET", "HEAD", "OPTIONS")


async def _refuse(scope, receive, send, status: int, text: str) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1008, "reason": text})
    else:
        await PlainTextResponse(text, status)(scope, receive, send)


def import_pages() -> None:
    """Import all that any page draws with."""
    for module in pkgutil.walk_packages(dashboard.__path__, "dashboard."):
        if module.name != "dashboard.app":  # a script: it draws
            importlib.import_module(module.name)


def read_runs() -> None:
    """Read what the sidebar says of every run; from then on it is read again only where it changes.

    What cannot be read is no reason not to start: the pages say what is wrong.
    """
    with suppress(LandslideLensError, OSError):
        titles_of(list_runs(state.checkpoints()))
        state.known(state.checkpoints())


@asynccontextmanager
async def _swept(app):
    stale_uploads.sweep(state.checkpoints(), IN_FLIGHT_S)
    import_pages()
    read_runs()
    # Streamlit looks through all objects for garbage after every click. Those of the libraries are none, and stay.
    gc.collect()
    gc.freeze()
    yield
    stale_uploads.sweep(state.checkpoints(), IN_FLIGHT_S)


app = st.App(Path(__file__).with_name("app.py"), middleware=[Middleware(Door)], lifespan=_swept)
