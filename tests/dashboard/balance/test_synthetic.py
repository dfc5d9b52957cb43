"""The view of synthetic patches says under which protocol they were made."""


def test_the_leaking_protocol_is_a_warning(studio, open_page):
    run = studio.add_run(studio.add_dataset())
    run.write_text("config.json", run.config().with_overrides(["smote.protocol=before_folds"]).to_json())
    at = open_page("balance")
    assert not at.exception and any("inflated" in w.value for w in at.warning)
