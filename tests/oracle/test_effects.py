"""The effects of covariates against one regression with a column for every item, trend and season, and numpy."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from statsmodels.regression.linear_model import OLS

from convect.explain import effects
from convect.models.covariate_regression import season_columns
from tests.unit.made import panel_of

ROWS = 90


@pytest.mark.parametrize("items", [3, 32])
def test_they_are_those_of_the_regression_with_all_controls(items: int) -> None:
    rng = np.random.default_rng(5)
    known = rng.normal(size=(items * ROWS, 2))
    errors = np.concatenate([np.convolve(rng.normal(size=ROWS + 4), np.ones(5) / 5, "valid") for _ in range(items)])
    values = 3 * known[:, 0] - known[:, 1] + errors
    names = [f"{item:02d}" for item in range(items)]
    one = panel_of(*values.reshape(items, ROWS), known=known, known_names=("a", "b"), future=np.empty((items, 0, 2)))
    one.item_ids[:] = names
    told = effects.table(one, (7,))
    assert told is not None

    control = np.column_stack([np.ones(ROWS), np.arange(ROWS), season_columns(7, 19_723 + np.arange(ROWS))])
    whole = np.column_stack([known, np.kron(np.eye(items), control)])
    np.testing.assert_allclose(told["effect"], np.linalg.lstsq(whole, values, rcond=None)[0][:2], rtol=1e-6)
    groups = np.repeat(np.arange(items), ROWS)
    lags = int(4 * (ROWS / 100) ** (2 / 9))
    kind = {"cov_type": "hac-panel", "cov_kwds": {"groups": groups, "maxlags": lags}}
    kind = {"cov_type": "cluster", "cov_kwds": {"groups": groups}} if items >= effects.CLUSTERS else kind
    fitted = OLS(values, whole).fit(use_t=True, **kind)
    expected = pd.DataFrame(fitted.conf_int(alpha=0.05)[:2], columns=["low_95", "high_95"])
    np.testing.assert_allclose(told[["low_95", "high_95"]], expected, rtol=0.01)
