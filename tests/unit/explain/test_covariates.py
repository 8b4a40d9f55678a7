"""What covariates add to the ensemble: each model's part by its share, nothing at the usual value."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from convect import pipeline
from convect.artifact import Artifact
from convect.explain.covariates import carried, usual_values
from convect.models import covariate_regression
from convect.models.features import WindowFeatures
from convect.models.table import series_table
from convect.panel import Panel
from convect.training.pooled import REGRESSION_LOG, REGRESSION_RAW
from tests.unit.explain.known_effects import HORIZON, config, made
from tests.unit.made import Array, panel_of, quiet


@pytest.fixture(scope="module", params=[True, False], ids=["on the logarithm", "as it is"])
def artifact(request: pytest.FixtureRequest) -> Artifact:
    frame, _ = made(multiplied=request.param, items=6, rows=100)
    if not request.param:
        frame["target"] -= 150.0  # below zero no logarithm is taken
    return pipeline.train(frame, config(), progress=quiet).artifact


def alone(artifact: Artifact, name: str) -> Artifact:
    """The artifact with all weight on one model."""
    chosen = np.array([model == name for model in artifact.weights.models])
    series = np.tile(chosen.astype(float), (len(artifact.panel), 1))
    return replace(artifact, weights=replace(artifact.weights, group=chosen.astype(float), series=series, core=chosen))


def found(artifact: Artifact, panel: Panel | None = None) -> Array:
    return carried(artifact, panel or artifact.panel, artifact.weights.series, HORIZON).future


def regression_of(artifact: Artifact) -> str:
    return next(v.name for v in (REGRESSION_RAW, REGRESSION_LOG) if v.name in artifact.global_models)


def test_the_usual_value_is_the_lower_median_of_what_is_known() -> None:
    nan = np.nan
    known = np.array([[1.0, 0.0], [3.0, nan], [2.0, 1.0], [4.0, nan], [nan, nan]])
    panel = panel_of(np.ones(4), np.ones(1), known=known, known_names=("a", "b"), future=np.empty((2, 0, 2)))
    np.testing.assert_array_equal(usual_values(panel), [[2.0, 0.0], [nan, nan]])


def test_a_model_alone_adds_what_it_says_less_what_it_says_at_the_usual_values(artifact: Artifact) -> None:
    one = alone(artifact, regression_of(artifact))
    panel, variant = one.panel, REGRESSION_LOG if REGRESSION_LOG.name in one.global_models else REGRESSION_RAW
    calm = replace(panel, future=np.repeat(usual_values(panel)[:, None], HORIZON, axis=1))

    def said(which: Panel) -> Array:
        table = series_table(which, HORIZON, one.seasons, ())
        features = WindowFeatures(replace(table, values=variant.forward(which.values)))
        model, items = one.global_models[variant.name][0], np.arange(len(which))
        return variant.inverse(covariate_regression.predict(model, features, items, which.lengths, HORIZON))

    np.testing.assert_allclose(found(one).sum(axis=2), said(panel) - said(calm), atol=1e-9)
    assert not found(one, calm).any()


def test_each_model_counts_by_its_share(artifact: Artifact) -> None:
    names = ["GlobalLightGBM", regression_of(artifact)]
    parts = [found(alone(artifact, name)) for name in names]
    both = np.array([0.5 * (model in names) for model in artifact.weights.models])
    series = np.tile(both, (len(artifact.panel), 1))
    mixed = replace(artifact.weights, group=both, series=series, core=both > 0)
    np.testing.assert_allclose(found(replace(artifact, weights=mixed)), (parts[0] + parts[1]) / 2)
    assert not found(alone(artifact, "Theta")).any()


def test_the_cleaned_history_is_as_it_would_be_at_the_usual_values(artifact: Artifact) -> None:
    panel = artifact.panel
    clean = carried(artifact, panel, artifact.weights.series, HORIZON).cleaned
    promo = panel.known[:, 1] == 1
    item = panel.positions
    before, after = (
        np.array([values[promo & (item == k)].mean() - values[~promo & (item == k)].mean() for k in range(6)])
        for values in (panel.values, clean)
    )
    assert (before > 15).all()
    assert np.abs(after).mean() < 0.15 * before.mean()


def test_what_is_not_known_adds_nothing(artifact: Artifact) -> None:
    future = artifact.panel.future.copy()
    future[:, 1, 0] = np.nan
    added = found(artifact, replace(artifact.panel, future=future))
    assert not added[:, 1, 0].any()
    assert np.isfinite(added).all()
    assert not found(artifact, replace(artifact.panel, future=future[:, :0])).any()
