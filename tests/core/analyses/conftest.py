"""A whole tiny run of three folds with synthetic patches, trained once for the studies of them."""

import pytest

from core.config import preset
from core.pipeline import train_run
from core.runs.store import create_run
from tests.builders import TINY, make_tiny


@pytest.fixture(scope="package")
def balanced_run(tmp_path_factory):
    """120 patches, 40 of them landslides; nothing may be written into it."""
    home = tmp_path_factory.mktemp("balanced")
    settings = [
        *TINY,
        "folds.n_splits=3",
        "train.epochs=1",
        "embed.method=pca",
        "heads.svm_C=[0.1]",
        "heads.lgbm=false",
        "smote.n_syn=3",
        "heads.threshold=half",
    ]
    run = create_run(
        home, preset("demo").with_overrides(settings), make_tiny(home / "tiny.h5", n=120, signal=1.0), "balanced"
    )
    for _ in train_run(run):
        pass
    run.write_status(state="succeeded")
    return run
