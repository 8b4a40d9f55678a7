"""The rows of a table a bounded number at a time, those of an item together: what is made of them stays small."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]
Codes = NDArray[np.signedinteger]
Chosen = slice | Integers
BLOCK_ROWS = 1_000_000  # an item that has more is not cut


def blocks(items: Codes, rows: int | None = None) -> list[Chosen]:
    """Return which rows make each block: some items, all their rows, ascending by item.

    items: (rows,) codes 0 to n - 1, each used. A table that is sorted by item is cut where it lies; of any other the
    rows of an item keep their order. A block has fewer than `rows`, a million unless given, and its largest item more.
    """
    ascending = bool((items[:-1] <= items[1:]).all())
    order = None if ascending else np.argsort(items, kind="stable")
    every = np.arange(0, len(items), rows or BLOCK_ROWS)
    firsts = np.unique(items[every] if order is None else items[order[every]])
    bounds = [*np.searchsorted(items, firsts, sorter=order).tolist(), len(items)]
    return [slice(*pair) if order is None else order[slice(*pair)] for pair in pairwise(bounds)]


def looked_up(table: Any, codes: Codes) -> Any:  # noqa: ANN401 - an array of any type, in and out
    """Return `table[codes]`; at once it would take eight bytes more a row."""
    out = np.empty(len(codes), table.dtype)
    for start in range(0, len(codes), BLOCK_ROWS):
        chosen = slice(start, start + BLOCK_ROWS)
        out[chosen] = table[codes[chosen]]
    return out
