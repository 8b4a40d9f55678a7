"""The peers, each as its own users run it: `python peers.py PEER GROUP_FOLDER OUTPUT_FOLDER`.

Reads train.parquet and group.json of a group (see series.py) and writes forecasts.parquet (item_id, timestamp and one
column a quantile) and versions.json. It runs in the environment where the peer is installed; each library is imported
by the peer that needs it. A peer that has no quantiles for a group gives the median only.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd

QUANTILES = (0.025, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.975)
LEVELS = (20, 40, 60, 80, 95)  # central intervals whose ends, with the median, are these quantiles
NIXTLA = {"item_id": "unique_id", "timestamp": "ds", "target": "y"}
SAMPLES = 1000
WINDOWS = 2  # that mlforecast's conformal intervals are calibrated on; its default


def seasonal_naive(train: pd.DataFrame, group: SimpleNamespace) -> pd.DataFrame:
    """Forecast the last season again, with statsforecast's intervals."""
    from statsforecast.models import Naive, SeasonalNaive

    return by_statsforecast(train, group, [SeasonalNaive(group.season) if group.season > 1 else Naive()])


def auto_ets(train: pd.DataFrame, group: SimpleNamespace) -> pd.DataFrame:
    """Forecast by statsforecast's AutoETS."""
    from statsforecast.models import AutoETS

    return by_statsforecast(train, group, [AutoETS(season_length=group.season)])


def ets_ces_theta(train: pd.DataFrame, group: SimpleNamespace) -> pd.DataFrame:
    """Forecast by the median of AutoETS, AutoCES and the dynamic optimised theta method, quantile by quantile."""
    from statsforecast.models import AutoCES, AutoETS, DynamicOptimizedTheta

    models = [kind(season_length=group.season) for kind in (AutoETS, AutoCES, DynamicOptimizedTheta)]
    return by_statsforecast(train, group, models)


def by_statsforecast(train: pd.DataFrame, group: SimpleNamespace, models: list[Any]) -> pd.DataFrame:
    """Return the median over the models of each of their quantiles."""
    from statsforecast import StatsForecast
    from statsforecast.models import Naive

    engine = StatsForecast(models, group.freq, n_jobs=os.cpu_count() or 1, fallback_model=Naive())
    return by_level(engine.forecast(df=train.rename(columns=NIXTLA), h=group.horizon, level=list(LEVELS)))


def mlforecast(train: pd.DataFrame, group: SimpleNamespace) -> pd.DataFrame:
    """Forecast by LightGBM on lags of differenced and scaled series, step by step, with conformal intervals."""
    from lightgbm import LGBMRegressor
    from mlforecast import MLForecast
    from mlforecast.lag_transforms import ExpandingMean, RollingMean
    from mlforecast.target_transforms import Differences, LocalStandardScaler
    from mlforecast.utils import PredictionIntervals

    engine = MLForecast(
        {"model": LGBMRegressor(verbosity=-1, random_state=0)},
        group.freq,
        lags=list(range(1, max(group.season, 3) + 1)),
        lag_transforms={1: [ExpandingMean(), RollingMean(max(group.season, 3), min_samples=1)]},
        target_transforms=[Differences([group.season]), LocalStandardScaler()],
    )
    long_enough = train.groupby("item_id").size().min() > WINDOWS * group.horizon + group.season + 1
    intervals = PredictionIntervals(n_windows=WINDOWS, h=group.horizon) if long_enough else None
    engine.fit(train.rename(columns=NIXTLA), prediction_intervals=intervals)
    return by_level(engine.predict(group.horizon, level=list(LEVELS) if long_enough else None))


def by_level(found: pd.DataFrame) -> pd.DataFrame:
    """Return quantiles from columns MODEL, MODEL-lo-80, MODEL-hi-80, …: the median over the models."""
    table = found[["unique_id", "ds"]].set_axis(["item_id", "timestamp"], axis=1)
    models = [name for name in found.columns[2:] if "-lo-" not in name and "-hi-" not in name]
    ends = {round(50 - level / 2, 1): f"-lo-{level}" for level in LEVELS}
    ends |= {50.0: ""} | {round(50 + level / 2, 1): f"-hi-{level}" for level in LEVELS}
    for quantile in QUANTILES:
        columns = [f"{model}{ends[round(100 * quantile, 1)]}" for model in models]
        if set(columns) <= set(found.columns):
            table[str(quantile)] = found[columns].median(axis=1)
    return table


def prophet(train: pd.DataFrame, group: SimpleNamespace) -> pd.DataFrame:
    """Forecast each series by Prophet with its defaults; quantiles of its predictive samples."""
    from prophet import Prophet

    parts = []
    for item, rows in train.groupby("item_id"):
        model = Prophet(uncertainty_samples=SAMPLES)
        model.fit(rows.rename(columns=NIXTLA)[["ds", "y"]], seed=0)
        future = model.make_future_dataframe(group.horizon, freq=group.freq, include_history=False)
        np.random.seed(0)
        drawn = np.quantile(model.predictive_samples(future)["yhat"], QUANTILES, axis=1).T
        head = pd.DataFrame({"item_id": item, "timestamp": future["ds"]})
        parts.append(head.assign(**{str(q): drawn[:, k] for k, q in enumerate(QUANTILES)}))
    return pd.concat(parts, ignore_index=True)


def autogluon(train: pd.DataFrame, group: SimpleNamespace) -> pd.DataFrame:
    """Forecast by AutoGluon-TimeSeries, medium quality, without the models that download pretrained weights."""
    from autogluon.timeseries import TimeSeriesDataFrame, TimeSeriesPredictor

    predictor = TimeSeriesPredictor(
        prediction_length=group.horizon,
        freq=group.freq,
        quantile_levels=list(QUANTILES),
        path=str(group.output / "models"),
        verbosity=1,
    )
    data = TimeSeriesDataFrame.from_data_frame(train)
    predictor.fit(data, presets="medium_quality", excluded_model_types=["Chronos2", "Toto2"], random_seed=0)
    found = predictor.predict(data, random_seed=0).reset_index()
    return pd.DataFrame(found)


PEERS: dict[str, tuple[Callable[[pd.DataFrame, SimpleNamespace], pd.DataFrame], tuple[str, ...]]] = {
    "SeasonalNaive": (seasonal_naive, ("statsforecast",)),
    "AutoETS": (auto_ets, ("statsforecast",)),
    "ETS+CES+Theta": (ets_ces_theta, ("statsforecast",)),
    "mlforecast": (mlforecast, ("mlforecast", "lightgbm")),
    "Prophet": (prophet, ("prophet",)),
    "AutoGluon": (autogluon, ("autogluon.timeseries",)),
}


def main(peer: str, folder: Path, output: Path) -> None:
    """Forecast one group by one peer."""
    forecast, packages = PEERS[peer]
    group = SimpleNamespace(**json.loads((folder / "group.json").read_text(encoding="utf-8")), output=output)
    found = forecast(pd.read_parquet(folder / "train.parquet"), group)
    found.to_parquet(output / "forecasts.parquet", index=False)
    versions = {package: importlib.metadata.version(package) for package in packages}
    (output / "versions.json").write_text(json.dumps(versions), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
