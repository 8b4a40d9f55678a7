"""AutoGluon's saved predictor in the smallest Flask application: run in AutoGluon's environment.

It is trained where its folder is not there yet; a request is a long table in CSV, as ours takes it.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd
from autogluon.timeseries import TimeSeriesDataFrame, TimeSeriesPredictor
from flask import Flask, Response, request


def predictor(folder: Path, table: Path, horizon: int) -> TimeSeriesPredictor:
    """Return the saved predictor, trained on a table of item_id, timestamp and target where there is none."""
    if not folder.exists():
        TimeSeriesPredictor(prediction_length=horizon, path=str(folder), freq="MS").fit(
            TimeSeriesDataFrame.from_data_frame(pd.read_parquet(table)), presets="medium_quality", time_limit=120
        )
    return TimeSeriesPredictor.load(str(folder))


def make_app(saved: TimeSeriesPredictor) -> Flask:
    """Return an application that answers SageMaker's two addresses."""
    app = Flask("autogluon", root_path=".")

    @app.get("/ping")
    def ping() -> Response:
        return Response()

    @app.post("/invocations")
    def invocations() -> Response:
        table = pd.read_csv(request.stream, parse_dates=["timestamp"])
        forecast = saved.predict(TimeSeriesDataFrame.from_data_frame(table))
        return Response(forecast.reset_index().to_csv(index=False), mimetype="text/csv")

    return app


if __name__ == "__main__":
    import waitress

    folder, table, port, horizon = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    waitress.serve(make_app(predictor(folder, table, horizon)), listen=f"127.0.0.1:{port}")
