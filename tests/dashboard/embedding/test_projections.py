"""Which projection is shown, a boundary that it was made without, and making another as a job."""

from __future__ import annotations

from core.analyses.embedding import projections
from core.config import EmbedConfig
from tests.dashboard.embedding.conftest import PCA, charts, held_out


def test_a_projection_that_was_made_later_can_be_chosen_with_the_boundary_of_every_head(complete, pca_key, open_page):
    at = open_page("embedding")
    at.selectbox(key="embedding_projection").select(pca_key).run()
    assert not at.exception and not at.error
    assert len(charts(at)) == 1 and at.query_params["embedding_projection"] == pca_key
    assert any(m.value.startswith("PCA of the embeddings of fold 1") for m in at.markdown)


def test_a_boundary_that_the_projection_does_not_hold_is_drawn_from_the_heads_values(complete, open_page):
    at = open_page("embedding")
    at.button_group(key="embedding_switch").set_value("lgbm").run()
    assert not at.exception and not at.error and len(charts(at)) == 1
    assert any(f"of {len(held_out(complete))} held-out patches" in m.value for m in at.markdown)


def test_heads_that_are_fitted_again_have_their_boundary_drawn_again(complete, open_page):
    """The boundary is kept by the files that it is made from, not by the fold's card."""
    at = open_page("embedding")
    at.button_group(key="embedding_switch").set_value("lgbm").run()
    before = charts(at)[0]["layout"]["images"]
    for fold in range(3):
        scores = complete.scores(fold)
        complete.write_scores(fold, scores | {"lgbm": -scores["lgbm"][::-1].copy()})
    assert charts(at.run())[0]["layout"]["images"] != before


def test_the_form_shows_what_the_method_uses_and_the_bounds_of_the_options(complete, open_page):
    at = open_page("embedding")
    neighbours = at.number_input(key="projection_umap_n_neighbors")
    assert (neighbours.min, neighbours.max, neighbours.value) == (2, 200, 15)
    at.radio(key="projection_method").set_value("tsne").run()
    assert at.number_input(key="projection_tsne_perplexity").value == 30.0
    keys = {widget.key for widget in (*at.number_input, *at.selectbox)}
    assert not keys & {"projection_umap_n_neighbors", "projection_tsne_n_neighbors", "projection_tsne_grid"}
    assert not at.exception


def test_a_projection_is_made_by_a_job_and_then_shown(complete, studio, open_page):
    at, other = open_page("embedding"), open_page("embedding")
    at.radio(key="projection_method").set_value("pca").run()
    next(b for b in at.button if b.label == "Project every fold").click().run()
    assert not at.exception
    assert studio.answered(complete, "projections")["state"] == "succeeded"
    key = projections.key_of(EmbedConfig(method="pca"), 0)
    assert at.run().selectbox(key="embedding_projection").value == key
    assert not at.exception and key in projections.cards(complete, 2)
    other.run()
    assert key in other.selectbox(key="embedding_projection").options or len(projections.cards(complete, 0)) == 2
    assert other.selectbox(key="embedding_projection").value == projections.OWN  # it did not ask for it
    at.selectbox(key="embedding_projection").select(projections.OWN).run()
    assert at.run().selectbox(key="embedding_projection").value == projections.OWN  # the choice stays


def test_a_changed_dataset_or_network_is_told(complete, pca_key, open_page):
    facts = complete.provenance()
    facts["dataset"]["content_hash"] = "another"
    complete.write_json("provenance.json", facts)
    (complete.fold_path(0) / "model.safetensors").write_bytes(b"another network")
    at = open_page("embedding")
    assert any("dataset file has changed" in w.value for w in at.warning)
    at.selectbox(key="embedding_projection").select(pca_key).run()
    assert any("network file has changed" in w.value for w in at.warning)


def test_the_projections_options_are_those_of_the_analysis():
    assert set(PCA) <= set(projections.ProjectionOptions.model_fields)
