"""How the page names things: findings, flags, steps of time, numbers."""

from __future__ import annotations

import math

# What the data check calls it: how a person does, and what it means for the forecast.
FINDINGS = {
    "gap": ("missing steps", "steps without a row between two that have one"),
    "missing": ("missing values", "rows whose value is empty"),
    "duplicate": ("repeated rows", "several rows for one series and step"),
    "finer": ("rows finer than a step", "made one value a step"),
    "finer_steps": ("steps made of finer rows", ""),
    "broken_step": ("rows of broken steps", "the first or last step of a series was not whole and is left out"),
    "off_grid": ("stamps between steps", "moved to the step they lie in"),
    "time_zone": ("time zones", "dropped: the local clock is kept; offsets that differ are turned to UTC"),
    "number_as_text": ("numbers written as text", ""),
    "infinite": ("infinite values", "taken as missing"),
    "leading_missing": ("empty rows before the first value", ""),
    "trailing_missing": ("empty rows after the last value", ""),
    "empty": ("series without any value", "left out of everything"),
    "cold": ("series without history", "forecast like the series most alike: expect wide intervals"),
    "constant": ("constant series", "they have always been the same"),
    "short": ("short series", "fewer than two seasons: their forecast leans on the others"),
    "mostly_filled": ("mostly filled series", "more than half of their steps were missing"),
    "future_missing": ("covariates unknown ahead", "steps of the horizon without a value"),
    "outside_sums": ("series in no sum", "they end elsewhere than most"),
    "static_missing": ("series without attributes", ""),
    "static_unknown_item": ("attributes of unknown series", "not used"),
    "static_changes": ("attributes that change", "taken from the last row"),
    "unseen_category": ("categories never seen", "taken as missing"),
}

# By which a planner may choose among the series.
FLAGS = {
    "worse": "worse than naive",
    "fallback": "only naive",
    "cold": "no history",
    "short": "short",
    "constant": "constant",
    "mostly_filled": "mostly filled",
    "gap": "gaps filled",
    "missing": "values filled",
    "outside_sums": "in no sum",
    "sum": "sum",
}

_STEPS = {
    "s": "second", "min": "minute", "h": "hour", "D": "day", "B": "weekday", "W": "week", "M": "month", "Q": "quarter",
    "Y": "year",
}  # fmt: skip


def step_name(family: str, alias: str) -> str:
    """Return what one step is called: "day", or "step of 15min" where it is several of a unit."""
    plain = alias.lstrip("0123456789") == alias
    return _STEPS[family] if plain else f"step of {alias}"


def count(number: int, noun: str) -> str:
    """Return a number and its noun.

    >>> count(1, "day"), count(1200, "day"), count(2, "step of 15min"), count(2, "series")
    ('1 day', '1,200 days', '2 steps of 15min', '2 series')
    """
    first, *rest = noun.split(" ", 1)
    plural = first if number == 1 or first == "series" else f"{first}s"
    return " ".join([f"{number:,}", plural, *rest])


def percent(value: float | None, places: int = 0) -> str:
    r"""Return a share in percent, a dash where there is none.

    >>> percent(0.214), percent(0.214, 1)
    ('21\xa0%', '21.4\xa0%')
    """
    return "–" if value is None or not math.isfinite(value) else f"{100 * value:.{places}f}\u00a0%"  # noqa: RUF001 - a dash


def ratio(value: float) -> str:
    """Return a ratio, a dash where there is none."""
    return f"{value:.2f}" if math.isfinite(value) else "–"  # noqa: RUF001 - a dash


def figure(value: float | None, digits: int = 3) -> str:
    """Return a number to a few digits, a dash where there is none."""
    if value is None or not math.isfinite(value):
        return "–"  # noqa: RUF001 - a dash
    return f"{value:,.0f}" if abs(value) >= 10**digits else f"{value:#.{digits}g}".rstrip(".")
