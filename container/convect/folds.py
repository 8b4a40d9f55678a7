"""Where the backtest cuts each history: rolling origins, the same for every model."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MAX_WINDOWS = 3
MIN_TRAIN_STEPS = 6
MANY_HORIZONS = 30
ENOUGH_ROWS = 40  # series times windows that the weights and intervals are learnt from


@dataclass(frozen=True)
class Fold:
    """One cutoff of each item that is long enough for it.

    items: (r,) positions of the items; ends: (r,) the number of rows known at the cutoff.
    The actuals of row j are the `horizon_steps` values after `ends[j]`.
    """

    items: NDArray[np.int64]
    ends: NDArray[np.int64]


def min_train_steps(season_steps: int) -> int:
    """Return the fewest steps that a history must keep before a cutoff: a little over two seasons."""
    return max(MIN_TRAIN_STEPS, 2 * season_steps + 3) if season_steps > 1 else MIN_TRAIN_STEPS + 1


def default_windows(
    lengths: NDArray[np.int64], horizon_steps: int, season_steps: int, *, covariates: bool = False
) -> int:
    """Return how many windows to score: one where many series vouch for it, up to three where few do.

    More windows cost a fit each and, on many series, bought no accuracy; few series need them for the intervals, and
    histories of many horizons have them to spare. The typical history must be able to pay: each window takes a
    horizon of its newest data. With known covariates there are two at least: a single window has the promotions of one
    moment, and they are not those of the next.

    >>> default_windows(np.array([120] * 10), 12, 12), default_windows(np.array([120] * 60), 12, 12)
    (3, 1)
    """
    if not len(lengths):
        return 1
    typical = float(np.median(lengths))
    wanted = MAX_WINDOWS if typical > MANY_HORIZONS * horizon_steps else -(-ENOUGH_ROWS // len(lengths))
    wanted = max(wanted, 2) if covariates else wanted
    affordable = (typical - 2 * season_steps - 2 * horizon_steps) // horizon_steps
    return int(np.clip(min(wanted, affordable), 1, MAX_WINDOWS))


def rolling_origin(lengths: NDArray[np.int64], horizon_steps: int, windows: int, min_train: int) -> list[Fold]:
    """Cut each history at the last `windows` origins, a horizon apart, newest first.

    With a horizon of 2 and two windows, x is known, y is forecast:

        | x x x x x x y y |
        | x x x x y y     |

    lengths: (n,) rows of each item. An item takes part in a window only if at least `min_train`
    rows are left before its cutoff; windows without any item are left out, so the list may be empty.
    """
    folds = []
    for window in range(1, windows + 1):
        ends = np.asarray(lengths, np.int64) - window * horizon_steps
        items = np.flatnonzero(ends >= min_train)
        if len(items):
            folds.append(Fold(items, ends[items]))
    return folds
