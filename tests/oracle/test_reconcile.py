"""Reconciliation against the textbook's dense formula and against a general quadratic solver."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.optimize import minimize

from convect.hierarchies.reconcile import reconcile

Array = NDArray[np.float64]


def tree(rng: np.random.Generator, items: int, regions: int) -> Array:
    """The total and regions over some items."""
    region = rng.permutation(np.arange(items) % regions)
    return np.vstack([np.ones(items), region == np.arange(regions)[:, None]]).astype(float)


def case(seed: int, items: int = 12, level: float = 100.0) -> tuple[Any, ...]:
    rng = np.random.default_rng(seed)
    members = tree(rng, items, 3)
    base = np.abs(level + 30 * rng.normal(size=(items, 2)))
    nodes = members @ base + 40 * rng.normal(size=(4, 2))
    return members, base, nodes, rng.uniform(1, 50, items), rng.uniform(1, 50, 4)


def textbook(members: Array, base: Array, nodes: Array, variance: Array, certain: Array) -> Array:
    """S (S' W^-1 S)^-1 S' W^-1 y, the items of it: Hyndman & Athanasopoulos, Forecasting, 11.3."""
    summing = np.vstack([members, np.eye(len(base))])
    inverse = np.diag(1 / np.concatenate([certain, variance]))
    return np.linalg.solve(summing.T @ inverse @ summing, summing.T @ inverse @ np.vstack([nodes, base]))


@pytest.mark.parametrize("seed", range(5))
def test_it_is_the_textbook_s_formula(seed: int) -> None:
    members, base, nodes, variance, certain = case(seed)
    found = reconcile(base, nodes, sp.csr_array(members), variance, certain, np.zeros(12, bool))
    np.testing.assert_allclose(found, textbook(members, base, nodes, variance, certain), rtol=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_without_negatives_it_is_nearly_the_quadratic_program_s_answer(seed: int) -> None:
    members, base, nodes, variance, certain = case(seed, level=20.0)
    nodes = nodes * 0.4  # the sums pull hard, so that some items would fall below zero
    assert (textbook(members, base, nodes, variance, certain) < 0).any()
    found = reconcile(base, nodes, sp.csr_array(members), variance, certain, np.ones(12, bool))
    assert (found >= 0).all()
    for step in range(2):

        def distance(items: Array, step: int = step) -> float:
            off = np.square(members @ items - nodes[:, step]) / certain
            return float(off.sum() + (np.square(items - base[:, step]) / variance).sum())

        best = minimize(distance, found[:, step], bounds=[(0, None)] * 12, options={"maxiter": 500})
        assert distance(found[:, step]) <= 1.02 * best.fun + 1e-6
