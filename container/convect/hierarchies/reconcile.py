"""Forecasts of items and of their sums made to agree: least squares in the size of their errors, never below zero."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.sparse.linalg import splu

from convect.models.simple import Array

NONE = 1e-30  # of the largest variance: less counts as none, since its square would leave the range of numbers
LEAST_VARIANCE = 1e-9  # of its items': nodes that are certain and contradict each other leave the equations solvable


def reconcile(
    items: Array,
    nodes: Array,
    members: sp.csr_array,
    item_variance: Array,
    node_variance: Array,
    floor: NDArray[np.bool_],
) -> Array:
    """Return the items' forecasts (n, h) that lie nearest to all the forecasts; `members @` them are the nodes'.

    items (n, h), nodes (m, h): the forecasts made apart; members (m, n); variances (n,), (m,) of their errors, 0 for an
    item that must stay; floor: (n,) True where a forecast may not become negative (what is not negative before).

    This is MinT (Wickramasuriya, Athanasopoulos & Hyndman 2019) with the covariance shrunk all the way to its diagonal,
    in the form that solves for the m nodes only:  b + D C' (C D C' + A)^-1 (a - C b). Items that would fall below zero
    are set to zero and the others solved again (Wickramasuriya, Turlach & Hyndman 2020, by active set), so that the
    sums still hold.
    """
    item_variance, node_variance = _relative(item_variance, node_variance)
    certain = np.maximum(node_variance, LEAST_VARIANCE * (members @ item_variance))
    certain[certain <= 0] = 1.0  # neither the node nor its items move
    found = _solve(items, nodes, members, item_variance, certain)
    for step in np.flatnonzero((found[floor] < 0).any(axis=0)):
        found[:, step] = _not_negative(items[:, step], nodes[:, step], members, item_variance, certain, floor)
    return found


def _relative(*variances: Array) -> list[Array]:
    """Return them in units of the largest of all: only their relations count."""
    largest = max(part.max(initial=0.0) for part in variances) or 1.0
    return [np.where(part < NONE * largest, 0.0, part / largest) for part in variances]


def _solve(items: Array, nodes: Array, members: sp.csr_array, variance: Array, certain: Array) -> Array:
    weighted = members.multiply(variance).tocsr()
    system = (weighted @ members.T + sp.diags_array(certain)).tocsc()
    return np.asarray(items + weighted.T @ splu(system).solve(nodes - members @ items))


def _not_negative(
    items: Array, nodes: Array, members: sp.csr_array, variance: Array, certain: Array, floor: NDArray[np.bool_]
) -> Array:
    """One step (n,): each round sets to zero what fell below, and at least one item, so that the rounds end."""
    start, free = items.copy(), variance.copy()
    while True:
        found = _solve(start, nodes, members, free, certain)
        below = floor & (found < 0) & (free > 0)
        if not below.any():
            return np.where(floor, np.maximum(found, 0.0), found)  # -1e-17 is 0
        start[below], free[below] = 0.0, 0.0
