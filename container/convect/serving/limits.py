"""What one request may ask for; a larger one is refused before memory is spent on it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Upper bounds of one request, each inclusive.

    `rows`, `columns` and `cells` (their product) are of the decoded table, `decoded_bytes` is what a compressed file
    may unpack to, `depth` is how far objects and lists of the settings may be nested. What `config` may say is bounded
    by the table of hyperparameters.
    """

    rows: int = 5_000_000
    columns: int = 1_000
    cells: int = 50_000_000
    decoded_bytes: int = 1 << 30
    depth: int = 8


DEFAULT_LIMITS = Limits()
