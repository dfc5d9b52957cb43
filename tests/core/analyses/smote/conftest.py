"""A run that stands where its folds have been balanced."""

import pytest

from core.config import preset
from core.data.normalise import fit_normaliser
from core.flow.fold import _lineage, balance
from core.flow.run_context import prepare
from core.runs.store import create_run
from tests.builders import TINY


@pytest.fixture
def make_balanced(tiny_dataset, tmp_path):
    """``make_balanced("smote.method=plain", ...)``: such a run, called finished, in the test's own folder."""

    def make(*settings):
        config = preset("demo").with_overrides([*TINY, *settings])
        run = create_run(tmp_path, config, tiny_dataset, " ".join(settings))
        plan = prepare(run)
        for fold in range(plan.folds.n_splits):
            train = plan.folds.train(fold)
            normaliser = fit_normaliser(plan.images[train], "standard", plan.band_names)
            run.write_normaliser(fold, normaliser.to_json())
            run.write_smote(fold, _lineage(plan, *balance(plan, normaliser.transform(plan.images), train), fold))
        run.write_json("summary.json", {"oof": {"f1": 0.5, "n": 48, "f1_interval": [0.4, 0.6]}})
        run.write_status(state="succeeded")
        return run

    return make
