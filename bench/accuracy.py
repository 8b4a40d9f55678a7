"""The product beside its peers: every method forecasts the same series in one run, each as a program of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from bench import product, scoring
from bench.environments import HERE, autogluon_python, peers_python
from bench.measure import Cost, run
from bench.series import GROUPS

PRESETS = {"Convect fast": "fast", "Convect balanced": "balanced"}
PEERS = ("SeasonalNaive", "AutoETS", "ETS+CES+Theta", "mlforecast", "Prophet", "AutoGluon")
METHODS = (*PRESETS, *PEERS)
ONLY = {"Prophet": ("m3_monthly",)}  # some methods on some groups: Prophet is slow, and one group shows where it is


@dataclass(frozen=True)
class Sample:
    """Which series: how many of each group, drawn with a seed."""

    groups: tuple[str, ...] = tuple(GROUPS)
    series: int = 60
    seed: int = 2026


def measure(methods: Sequence[str], sample: Sample) -> Iterator[dict[str, object]]:
    """Yield a row for each group and method: who, on what, how good, at what cost. Says what it skips.

    Raises RuntimeError with a program's last words where one fails.
    """
    pythons = {method: interpreter(method) for method in methods if method in PEERS}
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        draw = [str(HERE / "series.py"), folder, str(sample.series), str(sample.seed), *sample.groups]
        subprocess.run([str(peers_python()), *draw], check=True)
        for group in sample.groups:
            for method in methods:
                if method in PEERS and pythons[method] is None:
                    print(f"{method}: skipped, it is not installed (see bench/requirements-autogluon.txt)", flush=True)
                elif group in ONLY.get(method, (group,)):
                    yield measured(method, data / group, pythons.get(method), sample)


def interpreter(peer: str) -> Path | None:
    """Return the interpreter that has a peer, None where it is not installed."""
    return autogluon_python() if peer == "AutoGluon" else peers_python()


def measured(method: str, folder: Path, python: Path | None, sample: Sample) -> dict[str, object]:
    """Return one row of the result: a method on a group, scored, with its cost."""
    output = folder / "output"
    output.mkdir()
    if python is None:
        cost, forecast, version = by_product(PRESETS[method], folder, output)
    else:
        cost, forecast, version = by_peer(method, python, folder, output)
    history, actual = values(folder / "train.parquet"), values(folder / "test.parquet")
    scores = scoring.score(history, actual, forecast, GROUPS[folder.name].season)
    shutil.rmtree(output)
    row: dict[str, object] = {"method": method, "group": folder.name, "series": len(actual)}
    row |= {str(name): value for name, value in scores.items()}
    row |= {"cpu_s_per_series": cost.cpu_s / len(actual), "wall_s": cost.wall_s, "peak_mb": cost.tree_mb}
    print(f"{folder.name} {method}: OWA {scores['OWA']:.3f}, {cost.cpu_s:.1f} CPU-seconds", flush=True)
    return row | {"version": version, "seed": sample.seed}


Found = tuple[Cost, pd.DataFrame, str]


def by_product(preset: str, folder: Path, output: Path) -> Found:
    """Forecast a group through `container/train`, which is told no more than horizon, frequency and quantiles."""
    group = GROUPS[folder.name]
    channel = output / "input" / "data" / "train"
    channel.mkdir(parents=True)
    shutil.copy(folder / "train.parquet", channel)
    quantiles = list(scoring.LEVELS)
    cost = product.train(
        output, {"horizon": group.horizon, "freq": group.freq, "preset": preset, "quantiles": quantiles}
    )
    forecast = pd.read_parquet(output / "output" / "data" / "forecasts.parquet")
    manifest = json.loads((output / "model" / "manifest.json").read_text(encoding="utf-8"))
    return cost, forecast, f"convect {manifest['convect']}"


def by_peer(peer: str, python: Path, folder: Path, output: Path) -> Found:
    """Forecast a group by a peer in its own environment; RuntimeError with its last words where it fails."""
    log = output / "peer.log"
    command = [str(python), str(HERE / "peers.py"), peer, str(folder), str(output)]
    cost = run(command, log, {"PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}"})
    if cost.exit_code:
        raise RuntimeError(f"{peer} ended with {cost.exit_code} on {folder.name}: {product.last_words(log)}")
    versions = json.loads((output / "versions.json").read_text(encoding="utf-8"))
    forecast = pd.read_parquet(output / "forecasts.parquet")
    return cost, forecast, ", ".join(f"{package} {version}" for package, version in versions.items())


def values(path: Path) -> dict[str, scoring.Array]:
    """Return each item's values, in time order, from a table item_id, timestamp, target."""
    table = pd.read_parquet(path).sort_values(["item_id", "timestamp"])
    return {str(item): rows.to_numpy(float) for item, rows in table.groupby("item_id")["target"]}
