"""Made data shared by the core's tests, and real data that several of them import."""

import json
import os
from pathlib import Path

import pytest

from tests.builders import make_tiny

MARS = ("blue", "green", "red", "dem", "thermal_inertia", "slope", "grey")  # bands of MarsLS


@pytest.fixture(scope="session")
def tiny_dataset(tmp_path_factory):
    return make_tiny(tmp_path_factory.mktemp("data") / "tiny.h5")


@pytest.fixture(scope="session")
def banded_run(shared_home):
    """A trained run with optical and radar bands. Read it, write nothing into it."""
    from tests import banded_runs, trained_runs

    return trained_runs.made_once(shared_home / "banded", banded_runs.make_banded)


@pytest.fixture(scope="session")
def analysed_run(shared_home, banded_run):
    """``banded_run`` with band importance and robustness. Read it, write nothing into it."""
    from tests import banded_runs, trained_runs

    return trained_runs.made_once(shared_home / "analysed", lambda home: banded_runs.make_analysed(home, banded_run))


@pytest.fixture(scope="module")
def banded_run_copy(banded_run, tmp_path_factory):
    """A copy of ``banded_run`` and its dataset for the tests of one module, which may change it."""
    from tests.trained_runs import copied

    return copied(banded_run, tmp_path_factory.mktemp("copy"))


@pytest.fixture(scope="session")
def landslide4sense_rgb(shared_home):
    """Landslide4Sense's 2,800 real pictures, imported once a session: the dataset's path, and what the command told."""
    from tests.command_line import core_json
    from tests.core.flow.test_real_flow import RGB
    from tests.in_process import jobs_in_this_process
    from tests.trained_runs import once

    source, home = Path(os.environ["LANDSLIDE_REAL_DATA"]) / "landslide4sense-rgb", shared_home / "landslide4sense-rgb"

    def make(folder):
        asked = ("ingest", "folders", source, "--out", folder / "rgb.h5", *RGB.split())
        with jobs_in_this_process():
            told = core_json(*asked, "--checkpoints", folder / "checkpoints")
        (folder / "told.json").write_text(json.dumps(told))

    once(home, make)
    return home / "rgb.h5", json.loads((home / "told.json").read_text())


@pytest.fixture(scope="session")
def marsls_tiles(shared_home):
    """The dataset of MarsLS's 50 images in seven bands, cut into tiles of 64 pixels, imported once a session."""
    from core.data.readers import ReaderOptions, ingest
    from core.progress import drain
    from tests.trained_runs import once

    source, home = Path(os.environ["LANDSLIDE_REAL_DATA"]) / "marsls-7band", shared_home / "marsls-tiles"
    options = ReaderOptions(tile=64, between="negative", bands=MARS)
    once(home, lambda folder: drain(ingest("geotiff", source, folder / "x.h5", options)))
    return home / "x.h5"


@pytest.fixture
def known_graph(shared_home, trained_run, monkeypatch):
    """The graph of the first network of ``trained_run``, head fc, made once a session: torch takes seconds to write it.

    An export of another network fails with it, as what is exported is compared with the run.
    """
    import onnx

    from core.predict.export import onnx_file
    from core.predict.export.export import export
    from core.progress import drain
    from tests.trained_runs import once

    path = shared_home / "graph" / "m.onnx"
    once(path.parent, lambda folder: drain(export(trained_run, folder / "m.onnx", head="fc", fold=1)))
    monkeypatch.setattr(onnx_file, "_proto", lambda answers, example: onnx.load(path))
