"""Figures of the notebooks, by matplotlib alone: series, forecasts with their intervals, leaderboard, coverage.

Each function draws on the Axes given, or on a new figure, and returns the Axes. Colours are of the Okabe-Ito set, which
people who see colours differently can tell apart; what differs in colour differs in line or marker, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

ITEM, TIME, TARGET = "item_id", "timestamp", "target"
BLUE, ORANGE, GREEN, VERMILION, PURPLE = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7"
INK, GREY, LIGHT = "#222222", "#767676", "#E6E6E6"
LINES = ((BLUE, "-"), (ORANGE, "--"), (GREEN, "-."), (VERMILION, ":"), (PURPLE, "-"))
SIZE_INCHES = (8.0, 3.2)


def new_axes(ax: Axes | None, height: float = SIZE_INCHES[1]) -> Axes:
    """Return the Axes given, or those of a new figure, with a quiet frame."""
    if ax is None:
        _, ax = plt.subplots(figsize=(SIZE_INCHES[0], height), layout="constrained")
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(axis="y", color=LIGHT, linewidth=0.8)
    ax.set_axisbelow(True)
    ax.tick_params(color=GREY, labelcolor=INK)
    return ax


def title(ax: Axes, text: str) -> None:
    """Set a title at the left, where reading begins."""
    ax.set_title(text, loc="left", fontsize=11, color=INK)


def legend_above(ax: Axes) -> None:
    """Put the legend in one row above the frame, at the right, clear of the title and of the dates."""
    ax.legend(frameon=False, ncols=6, loc="lower right", bbox_to_anchor=(1.01, 1.0), borderpad=0, columnspacing=1.2)


def date_axis(ax: Axes) -> None:
    """Label the time axis shortly, each part of a date once."""
    locator = AutoDateLocator(minticks=4, maxticks=9)  # type: ignore[no-untyped-call]
    ax.xaxis.set_major_locator(locator)
    ax.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]


def plot_series(frame: pd.DataFrame, items: Sequence[str], ax: Axes | None = None) -> Axes:
    """Draw the history of some items, each in a colour and line style of its own."""
    ax = new_axes(ax)
    for item, (colour, style) in zip(items, cycle(LINES), strict=False):
        rows = frame[frame[ITEM] == item]
        ax.plot(rows[TIME], rows[TARGET], color=colour, linestyle=style, linewidth=1.3, label=item)
    legend_above(ax)
    date_axis(ax)
    return ax


def plot_forecast(
    history: pd.DataFrame,
    forecast: pd.DataFrame,
    item: str,
    actual: pd.DataFrame | None = None,
    naive: pd.DataFrame | None = None,
    *,
    history_steps: int = 60,
    ax: Axes | None = None,
) -> Axes:
    """Draw the end of an item's history, its forecast with a fan of intervals, the naive forecast and what came."""
    ax = new_axes(ax)
    past, rows = of_item(history, item).tail(history_steps), of_item(forecast, item)
    ax.plot(past[TIME], past[TARGET], color=INK, linewidth=1.2, label="history")
    fan(ax, rows)
    ax.plot(rows[TIME], rows["mean"], color=BLUE, linewidth=2.2, label="forecast")
    if naive is not None:
        again = of_item(naive, item)
        ax.plot(again[TIME], again["mean"], color=ORANGE, linewidth=1.6, linestyle="--", label="seasonal naive")
    if actual is not None:
        came = of_item(actual, item)
        ax.plot(came[TIME], came[TARGET], "o", color=VERMILION, markersize=4, label="what came")
    legend_above(ax)
    date_axis(ax)
    title(ax, item)
    return ax


def of_item(frame: pd.DataFrame, item: str) -> pd.DataFrame:
    """Return the rows of one item; raise KeyError where there are none."""
    rows = frame[frame[ITEM] == item]
    if rows.empty:
        raise KeyError(f"{item!r} is not among the items, which begin with {sorted(frame[ITEM].unique())[:3]}")
    return rows


def fan(ax: Axes, rows: pd.DataFrame) -> None:
    """Draw the central intervals of the quantile columns, the widest the lightest, and label the 80 % one."""
    for lower, upper in intervals(list(rows.columns)):
        share = float(upper) - float(lower)
        label = f"{share:.0%} interval" if np.isclose(share, 0.8) else None
        low, high = rows[lower].to_numpy(dtype=float), rows[upper].to_numpy(dtype=float)
        ax.fill_between(rows[TIME], low, high, color=BLUE, alpha=0.16, linewidth=0, label=label)


def intervals(columns: Sequence[str]) -> list[tuple[str, str]]:
    """Return the pairs of quantile columns that lie symmetrically around the middle, the widest first.

    >>> intervals(["item_id", "mean", "0.1", "0.5", "0.9", "0.95"])
    [('0.1', '0.9')]
    """
    levels = {round(float(name), 6): name for name in map(str, columns) if name.replace(".", "", 1).isdigit()}
    below = sorted(level for level in levels if 0 < level < 0.5)
    return [(levels[low], levels[round(1 - low, 6)]) for low in below if round(1 - low, 6) in levels]


def plot_leaderboard(
    leaderboard: pd.DataFrame, metric: str = "MASE", baseline: str = "SeasonalNaive", ax: Axes | None = None
) -> Axes:
    """Draw each model's error as a bar, the best on top, with a line at the baseline's; lower is better.

    `leaderboard` has one row a model, named by the column `model` or by the index.
    """
    table = leaderboard.set_index("model") if "model" in leaderboard else leaderboard
    errors = table[metric].dropna().sort_values(ascending=False)
    ax = new_axes(ax, height=0.8 + 0.32 * len(errors))
    ax.grid(visible=False)
    colours = [BLUE if name == errors.index[-1] else ORANGE if name == baseline else "#9DB7C9" for name in errors.index]
    bars = ax.barh(errors.index.astype(str), errors.to_numpy(), color=colours, height=0.7)
    ax.bar_label(bars, fmt="%.3f", padding=4, color=INK)
    if baseline in errors.index:
        ax.axvline(float(errors[baseline]), color=INK, linewidth=1, linestyle="--")
    ax.set_xlabel(f"{metric} (lower is better; the dashed line is {baseline})")
    return ax


def plot_coverage(joined: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw, for each quantile, the share of actuals at or below it against the share promised (the diagonal).

    `joined` has a column `actual` and the quantile columns.
    """
    names = sorted((name for name in map(str, joined.columns) if name.replace(".", "", 1).isdigit()), key=float)
    promised = [float(name) for name in names]
    kept = [float((joined["actual"] <= joined[name]).mean()) for name in names]
    ax = new_axes(ax, height=3.6)
    ax.set_aspect("equal")
    ax.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle="--", label="as promised")
    ax.plot(promised, kept, "o-", color=BLUE, linewidth=1.6, label="as it came")
    ax.set(xlim=(0, 1), ylim=(0, 1), xlabel="quantile", ylabel="share of actuals at or below it")
    ax.legend(frameon=False, loc="upper left")
    return ax


def plot_tuning(
    table: pd.DataFrame, settings: Sequence[str], objective: str, baseline: float | None = None, ax: Axes | None = None
) -> Axes:
    """Draw each training job's error as a dot, the best on top, named by its settings, with its seconds beside it.

    `table` has one row a job: the settings, the objective, and `seconds`. A dashed line is the baseline's error.
    """
    rows = table.dropna(subset=[objective]).sort_values(objective, ascending=False, ignore_index=True)
    ax = new_axes(ax, height=0.9 + 0.36 * len(rows))
    best = rows.index == rows.index[-1]
    ax.scatter(rows[objective], rows.index, s=70, color=np.where(best, BLUE, "#9DB7C9"), zorder=3)
    for at, row in rows.iterrows():
        text = f"{row[objective]:.4f}   {row['seconds']:.0f} s"
        ax.annotate(text, (row[objective], at), xytext=(9, -4), textcoords="offset points", color=INK)
    ax.set_yticks(rows.index, rows[list(settings)].astype(str).agg(" · ".join, axis=1))
    if baseline is not None:
        ax.axvline(baseline, color=ORANGE, linewidth=1.6, linestyle="--")
        ax.annotate(
            "seasonal naive",
            (baseline, 1),
            xycoords=("data", "axes fraction"),
            xytext=(-4, 4),
            textcoords="offset points",
            ha="right",
            color=INK,
        )
    ax.margins(x=0.2, y=0.12)
    ax.set_xlabel(f"{objective} (lower is better), and the time of the job")
    return ax
