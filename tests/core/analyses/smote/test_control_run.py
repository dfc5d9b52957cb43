"""The control run of a run: the same settings, the other protocol."""

from core.analyses.smote.control_run import find_control_run, other_protocol


def test_the_control_run_differs_in_the_protocol_alone(make_balanced):
    run = make_balanced()
    make_balanced("smote.protocol=before_folds", "smote.k_neighbors=2")
    assert find_control_run(run) is None
    control = make_balanced("smote.protocol=before_folds")
    assert find_control_run(run).name == control.name and find_control_run(control).name == run.name
    assert other_protocol(other_protocol(run.config())) == run.config()
