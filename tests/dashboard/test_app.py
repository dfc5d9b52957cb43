"""The door: it opens from anywhere, quickly, and without the heavy libraries."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ("torch", "timm", "sklearn", "umap", "numba", "skimage", "pytorch_grad_cam")
PROBE = """
import sys
from streamlit.testing.v1 import AppTest
at = AppTest.from_file(sys.argv[1], default_timeout=60).run()
assert not at.exception, at.exception
for page in ("dataset", "balance", "train"):
    at.switch_page(f"../pages/{page}.py").run()
    assert not at.exception, (page, at.exception)
print("heavy:", [name for name in sys.argv[2].split(",") if name in sys.modules])
"""


@pytest.mark.parametrize("with_run", [False, True])
def test_pages_open_from_any_directory_without_heavy_imports(studio, tmp_path, with_run):
    if with_run:
        studio.add_run(studio.add_dataset())
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-c", PROBE, str(ROOT / "dashboard" / "app.py"), ",".join(HEAVY)],
        cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.strip().endswith("heavy: []")


def test_navigation_names_every_page(studio, open_page):
    at = open_page("overview")
    assert at.title[0].value == "Overview" and not at.exception


@pytest.mark.fault(27, 28)
def test_the_server_stays_on_this_machine_and_sends_nothing_home():
    for folder in (ROOT / ".streamlit", ROOT / "dashboard" / ".streamlit"):  # the second is read from elsewhere
        config = tomllib.loads((folder / "config.toml").read_text(encoding="utf-8"))
        assert config["server"]["address"] == "localhost"
        assert config["browser"]["gatherUsageStats"] is False
        assert config["server"]["enableXsrfProtection"] and config["server"]["enableCORS"]
        assert config["server"]["fileWatcherType"] == "none", "else each session waits for a look at all libraries"
        assert config["server"]["maxUploadSize"] <= 200
        assert "light" in config["theme"] and "dark" in config["theme"]


@pytest.mark.fault(24)
def test_nothing_a_user_wrote_can_become_html():
    for path in (*(ROOT / "dashboard").rglob("*.py"), *(ROOT / "pages").rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        assert "unsafe_allow_html" not in text, path.name
        assert "st.html" not in text or path.name == "frame_style.py", f"{path.name}: only the frame's own style"
