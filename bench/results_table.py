"""What the result tables say: means over the groups, and one method beside the others."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

OURS = "Convect"  # as the server's measurements name it
_WORDS = {"p50_ms": "median", "p99_ms": "99 of 100 within", "requests_per_s": "rate", "max_ms": "time"}
# Of the server: what was asked, by how many clients, the columns that tell, and their form.
ANSWERS = (
    ("known series", 1.0, ("p50_ms", "p99_ms"), "{:.1f} ms, {:.1f} ms"),
    ("known series", 8.0, ("requests_per_s",), "{:,.0f} requests/s"),
    ("unseen series, first call", None, ("max_ms",), "{:,.0f} ms"),
    ("unseen series", 1.0, ("p50_ms", "p99_ms"), "{:.0f} ms, {:.0f} ms"),
)
SCORES = ["OWA", "SQL", "coverage_80", "coverage_95", "cpu_s_per_series", "wall_s", "peak_mb"]


def means(accuracy: pd.DataFrame) -> pd.DataFrame:
    """Return one row a method, the best first: its scores over all groups, each group counting the same.

    Of peak memory the largest. Methods that were not run on every group are left out: their mean would say something
    else. A method without quantiles on some group has no mean SQL and no mean coverage.
    """
    groups = accuracy["group"].nunique()
    counts = accuracy.groupby("method")["group"].nunique()
    complete = accuracy[accuracy["method"].isin(counts.index[counts == groups])]
    table = complete.groupby("method")[SCORES].mean()
    table = table.mask(complete.groupby("method")[SCORES].count() < groups)
    table["peak_mb"] = complete.groupby("method")["peak_mb"].max()
    return table.sort_values("OWA")


def by_group(accuracy: pd.DataFrame, score: str) -> pd.DataFrame:
    """Return one score, methods by groups; NaN where a method was not run."""
    wide = accuracy.pivot(index="method", columns="group", values=score)
    return wide.loc[accuracy["method"].drop_duplicates(), accuracy["group"].drop_duplicates()]


def beside(accuracy: pd.DataFrame, method: str) -> pd.DataFrame:
    """Return one row a peer: OWA, SQL and CPU-seconds of `method` over the peer's, on the groups that both ran on.

    Below 1 the method is the better or the cheaper one. NaN where the peer has no quantiles on one of these groups.
    """
    columns = ["OWA", "SQL", "cpu_s_per_series"]
    ours = accuracy[accuracy["method"] == method].set_index("group")[columns]
    rows = {}
    for peer, theirs in accuracy[accuracy["method"] != method].groupby("method", sort=False):
        found = theirs.set_index("group")[columns]
        shared = ours.index.intersection(found.index)
        rows[peer] = {"groups": len(shared)} | dict(ours.loc[shared].mean() / found.loc[shared].mean(skipna=False))
    return pd.DataFrame(rows).T.astype({"groups": int})


def read(folder: Path, name: str) -> pd.DataFrame:
    """Return a result table; FileNotFoundError says how to make it."""
    path = folder / f"{name}.csv"
    if not path.exists():
        raise FileNotFoundError(f"There is no {path.name}. Run `make bench`, or `python bench/run.py {name}`.")
    return pd.read_csv(path)


def readme_table(accuracy: pd.DataFrame) -> str:
    """Return `means` of the methods that were run on every group as a Markdown table, with the cost beside it."""
    rows = [
        f"| {method} | {row['OWA']:.3f} | {_or_dash(row['SQL'])} | {_or_dash(100 * row['coverage_80'], '.0f')} % "
        f"| {row['cpu_s_per_series']:.2f} |"
        for method, row in means(accuracy).iterrows()
    ]
    head = "| method | OWA | SQL | inside the 80 % interval | CPU-seconds a series |\n|---|---|---|---|---|\n"
    return head + "\n".join(rows).replace("- %", "-")


def server_table(serving: pd.DataFrame) -> str:
    """Return the server's answers beside those of the peer that was asked the same, as a Markdown table."""
    rows = ["| asked | | Convect | peer |", "|---|---|---|---|"]
    for what, clients, columns, form in ANSWERS:
        asked = serving[
            (serving["what"] == what)
            & (serving["clients"].isna() if clients is None else serving["clients"] == clients)
        ]
        told = {str(row["server"]): form.format(*row[list(columns)]) for _, row in asked.iterrows()}
        peers = "; ".join(f"{found} ({server})" for server, found in told.items() if server != OURS)
        measured = ", ".join(_WORDS[column] for column in columns)
        who = what if clients is None else f"{what}, {clients:.0f} client{'s' if clients > 1 else ''}"
        rows.append(f"| {who} | {measured} | {told[OURS]} | {peers} |")
    return "\n".join(rows)


def growth_table(growth: pd.DataFrame) -> str:
    """Return what more series cost as a Markdown table."""
    columns = {"series": "series", "cpu_s": "CPU-seconds", "series_per_cpu_s": "series a CPU-second"}
    columns |= {"process_mb": "largest process, MB", "tree_mb": "all processes, MB"}
    rows = [columns.values(), ["---"] * len(columns)]
    rows += [[f"{value:,.0f}" for value in row] for row in growth[list(columns)].itertuples(index=False)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _or_dash(value: float, form: str = ".3f") -> str:
    return "-" if pd.isna(value) else format(value, form)
