"""Fitted local models as a few numbers, and models made of these numbers that go on without being fitted again.

CES is not among them: its parameters of one history can make another one explode.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from convect.models.simple import Array

_ETS_FORMS = ("ANNN", "AAND", "AANN", "AAAD", "AAAN", "MNNN", "MAND", "MANN")  # error, trend, season, damped
_ETS_STATES = 14  # at most: level, trend and a season of twelve
_THETA = ("initial_smoothed", "alpha", "theta")
WIDTH = {"MSTLTheta": len(_THETA), "Theta": len(_THETA), "DampedETS": 6 + _ETS_STATES}


def widths(models: Sequence[str]) -> int:
    """Return how many numbers the states of these models have together."""
    return sum(WIDTH.get(name, 0) for name in models)


def beside(models: Sequence[str], states: Mapping[str, Array | None], items: int) -> Array:
    """Return the states (items, K) of each model side by side as (items, widths), NaN where one has none."""
    parts = [states.get(name) for name in models if name in WIDTH]
    empty = [np.full((items, WIDTH[name]), np.nan) for name in models if name in WIDTH]
    together = [blank if part is None else part for part, blank in zip(parts, empty, strict=True)]
    return np.concatenate([np.empty((items, 0)), *together], axis=1)


def apart(models: Sequence[str], together: Array) -> dict[str, Array]:
    """Undo `beside`; nothing where the numbers are not those of these models."""
    if together.shape[1] != widths(models):
        return {}
    kept = [name for name in models if name in WIDTH]
    parts = np.split(together, np.cumsum([WIDTH[name] for name in kept])[:-1], axis=1)
    return dict(zip(kept, parts, strict=False))


def state_of(name: str, fitted: Any) -> Array:  # noqa: ANN401 - statsforecast's models have no public base class
    """Return the numbers (WIDTH[name],) that a fitted model is made of, NaN at the end where it has fewer.

    For exponential smoothing these are its form, its count of parameters, alpha, beta, gamma and phi, and the states
    before the first value, so that only a history from that same value on can follow.
    """
    model = fitted.trend_forecaster.model_ if name == "MSTLTheta" else fitted.model_
    if name == "DampedETS":
        numbers = [_ETS_FORMS.index(model["components"]), model["n_params"], *model["par"]]
    else:
        numbers = [model["par"][key] for key in _THETA]
    return np.array([*numbers, *[np.nan] * (WIDTH[name] - len(numbers))], np.float64)


def rebuilt(name: str, unfitted: Any, state: Array) -> Any:  # noqa: ANN401 - as above
    """Return a model fresh from the catalogue as if it had been fitted: its `forward` takes a history."""
    if name == "DampedETS":
        unfitted.model_ = _ets(state, unfitted.season_length)
    else:
        theta = unfitted.trend_forecaster if name == "MSTLTheta" else unfitted
        par = dict(zip(_THETA, state.tolist(), strict=True))
        theta.model_ = {"m": theta.season_length, "modeltype": "DOTM", "par": par}
    return unfitted


def _ets(state: Array, longest: int) -> dict[str, Any]:
    form = _ETS_FORMS[int(state[0])]
    season = 1 if form[2] == "N" else longest
    states = 1 + (form[1] != "N") + (season if form[2] != "N" else 0)
    return {"m": season, "components": form, "n_params": int(state[1]), "par": state[2 : 6 + states], "fit": None}
