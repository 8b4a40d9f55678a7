"""How far figures move by chance: bounds for a ratio and for a share over series, and binomial odds within one."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np

FEWEST_ITEMS = 5  # whose spread says what chance is
Array = np.ndarray
NOTHING = (math.nan, math.nan)


def ratio_bounds(now: Array, before: Array, chance: float) -> tuple[float, float, float]:
    """Return the ratio of two means (n,) over the same items, and its lower and upper bound, each passed with `chance`.

    The variance of a ratio estimator (Cochran 1977, section 2.11), on the logarithmic scale, with n - 1 degrees of
    freedom. Of fewer than FEWEST_ITEMS, or without any error, the bounds are NaN.
    """
    known = np.isfinite(now) & np.isfinite(before)
    now, before = now[known], before[known]
    if not now.sum() > 0 or not before.sum() > 0:
        return (math.nan, *NOTHING)
    ratio = float(now.sum() / before.sum())
    if len(now) < FEWEST_ITEMS:
        return (ratio, *NOTHING)
    width = t_quantile(chance, len(now) - 1) * standard_error((now - ratio * before) / now.sum())
    return ratio, ratio * math.exp(-width), ratio * math.exp(width)


def share_bounds(now: Array, before: Array, chance: float) -> tuple[float, float, float]:
    """Return the change of a share, and its lower and upper bound, each passed with `chance`.

    `now` and `before` are (n, 2): for each item how many values are inside, and how many there are. The two shares are
    ratio estimators over the same items, so what an item adds to both is taken together.
    """
    shares = [float(side[:, 0].sum() / side[:, 1].sum()) for side in (now, before)]
    change = shares[0] - shares[1]
    if len(now) < FEWEST_ITEMS or math.isnan(change):
        return (change, *NOTHING)
    parts = [
        (side[:, 0] - kept * side[:, 1]) / side[:, 1].sum() for side, kept in zip((now, before), shares, strict=True)
    ]
    width = t_quantile(chance, len(now) - 1) * standard_error(parts[0] - parts[1])
    return change, change - width, change + width


def standard_error(parts: Array) -> float:
    """Return the standard error of a sum of parts (n,) of mean zero, one an item."""
    return float(np.sqrt(len(parts) / (len(parts) - 1) * np.square(parts).sum()))


def t_quantile(chance: float, freedom: int) -> float:
    """Return what Student's t exceeds with `chance` (Abramowitz & Stegun 26.7.5)."""
    z = NormalDist().inv_cdf(1 - chance)
    terms = (
        z,
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return math.fsum(term / freedom**power for power, term in enumerate(terms))


def at_most(inside: int, values: int, share: float) -> float:
    """Return the odds of at most so many successes in so many independent draws (binomial).

    >>> at_most(0, 2, 0.5)
    0.25
    """
    return math.fsum(math.comb(values, k) * share**k * (1 - share) ** (values - k) for k in range(inside + 1))
