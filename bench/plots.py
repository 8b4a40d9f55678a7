"""Two pictures of the result tables: accuracy against cost, and what more series cost."""

from __future__ import annotations

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes

OURS = "Convect"
BLUE, GREY, LIGHT, INK = "#0072B2", "#767676", "#E6E6E6", "#222222"


def plot_accuracy_and_cost(table: pd.DataFrame, score: str = "OWA") -> Axes:
    """Draw methods by cost (logarithmic) and error; down and left is better. `table` is of `results_table.means`."""
    ax = frame()
    for method, row in table.dropna(subset=[score]).iterrows():
        ours = str(method).startswith(OURS)
        at = (float(row["cpu_s_per_series"]), float(row[score]))
        ax.plot(*at, "o" if ours else "s", color=BLUE if ours else GREY, markersize=8 if ours else 6)
        ax.annotate(
            str(method), at, xytext=(7, -14 if ours else 5), textcoords="offset points", color=BLUE if ours else INK
        )
    ax.set_xscale("log")
    ax.margins(x=0.25, y=0.12)
    ax.set(xlabel="CPU-seconds a series (logarithmic)", ylabel=f"mean {score} (lower is better)")
    return ax


def plot_growth(growth: pd.DataFrame) -> tuple[Axes, Axes]:
    """Draw series a CPU-second and memory in MB against the number of series, side by side."""
    _, (speed, memory) = plt.subplots(1, 2, figsize=(8.0, 3.2), layout="constrained")
    frame(speed).plot(growth["series"], growth["series_per_cpu_s"], "o-", color=BLUE)
    frame(memory).plot(growth["series"], growth["process_mb"], "o-", color=BLUE, label="largest process")
    memory.plot(growth["series"], growth["tree_mb"], "s--", color=GREY, label="all processes, shared memory twice")
    memory.legend(frameon=False, loc="lower right")
    for ax, label in ((speed, "series a CPU-second"), (memory, "peak memory, MB")):
        ax.set(xscale="log", xlabel="number of series", ylabel=label)
        ax.set_ylim(bottom=0)
    return speed, memory


def frame(ax: Axes | None = None) -> Axes:
    """Return the Axes, or new ones, with a quiet frame."""
    if ax is None:
        _, ax = plt.subplots(figsize=(8.0, 4.0), layout="constrained")
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(color=LIGHT, linewidth=0.8)
    ax.set_axisbelow(True)
    return ax
