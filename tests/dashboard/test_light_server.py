"""The server draws the pages of a finished run without the libraries that compute: those live in other processes."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ("torch", "torchvision", "timm", "sklearn", "umap", "numba", "pytorch_grad_cam", "lightgbm")
PAGES = [
    ("runs", {}),
    *(("train", {"train_view": "method", "method_figure": figure}) for figure in ("framework", "process")),
    *(("balance", {"balance_view": view}) for view in ("synthetic", "realism", "audit")),
    ("embedding", {}),
    ("embedding", {"embedding_view": "runs"}),
    *(("review", {"review_view": view}) for view in ("patches", "issues", "labels")),
    ("review", {"review_beside": "projection"}),
    *(("explain", {"explain_view": view}) for view in ("where", "bands", "checks", "robustness")),
    *(("predict", {"predict_view": view}) for view in ("scene", "patches", "export")),
    ("report", {}),
]
CODE = """
import json, sys
from streamlit.testing.v1 import AppTest
app, pages, heavy = sys.argv[1], json.loads(sys.argv[2]), json.loads(sys.argv[3])
for page, query in pages:
    at = AppTest.from_file(app, default_timeout=60)
    for key, value in query.items():
        at.query_params[key] = value
    at.switch_page(f"../pages/{page}.py")
    at.run()
    assert not at.exception, (page, query, at.exception)
    assert at.title[0].value.lower() == page
print(json.dumps([name for name in heavy if name in sys.modules]))
"""


def test_embedding_explain_and_predict_load_nothing_that_computes(studio):
    studio.add_run(studio.add_dataset())
    given = [str(ROOT / "dashboard" / "app.py"), json.dumps(PAGES), json.dumps(HEAVY)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    found = subprocess.run(
        [sys.executable, "-c", CODE, *given], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert found.returncode == 0, found.stderr[-2000:]
    assert json.loads(found.stdout.splitlines()[-1]) == []
