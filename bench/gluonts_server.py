"""GluonTS's own server over a seasonal-naive predictor, on a port of our choice: run in GluonTS's environment.

Its command line is the same but listens on 8080 only.
"""

from __future__ import annotations

import sys
from pathlib import Path

import waitress
from gluonts.model.seasonal_naive import SeasonalNaivePredictor
from gluonts.shell import serve
from gluonts.shell.env import ServeEnv

if __name__ == "__main__":
    base, port, horizon, season = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    (base / "model").mkdir(parents=True, exist_ok=True)
    SeasonalNaivePredictor(prediction_length=horizon, season_length=season).serialize(base / "model")
    app = serve.make_flask_app(env=ServeEnv(base), forecaster_type=None, settings=serve.Settings())
    waitress.serve(app, listen=f"127.0.0.1:{port}")
