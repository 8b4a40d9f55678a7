"""One model behind the server: loaded once, and ready only after it has forecast."""

from __future__ import annotations

import contextlib
import math
import threading
from collections.abc import Callable

from convect.answering import deadline
from convect.answering.request import Forecast, ForecastRequest, Series
from convect.artifact import Artifact
from convect.errors import PlatformError, UserError

WARM_ROWS = 48  # enough for every model of a season up to 12 steps, and little work for any
Forecaster = Callable[[Artifact, ForecastRequest], Forecast]


class Service:
    """Loads on demand, proves itself by one forecast, and only then forecasts for callers; safe for threads.

    After a fork each process proves itself again: a loaded model says nothing about whether this process can use it.
    """

    def __init__(self, load_artifact: Callable[[], Artifact], forecast: Forecaster) -> None:
        self._load_artifact = load_artifact
        self._forecast = forecast
        self._lock = threading.Lock()
        self._artifact: Artifact | None = None
        self.ready = False

    def load(self) -> Artifact:
        """Load the artifact, once; raises what loading raises."""
        if self._artifact is None:
            self._artifact = self._load_artifact()
        return self._artifact

    def prove(self) -> None:
        """Load, and forecast one step of one series; raises what either raises."""
        artifact = self.load()
        self._forecast(artifact, ForecastRequest(horizon=1, items=tuple(str(item) for item in artifact.item_ids[:1])))
        self.ready = True

    def warm_up(self) -> None:
        """Forecast a short unseen series, so that the first caller does not wait for what the models load."""
        artifact = self.load()
        with contextlib.suppress(UserError):  # a series that is refused says nothing about the model
            history = Series(artifact.panel.series(0)[-WARM_ROWS:])
            self._forecast(artifact, ForecastRequest(horizon=1, series=(history,)))

    def check(self) -> None:
        """Raise PlatformError (503) while another thread loads, and where loading or proving fails."""
        if self.ready:
            return
        if not self._lock.acquire(blocking=False):
            raise PlatformError("The model is loading.", "Ask again in a moment.", code="not_ready")
        try:
            self.prove()
        finally:
            self._lock.release()

    def text_columns(self) -> tuple[str, ...]:
        """Name the trained columns of ids and stamps: what is in them is text, even where it looks like a number."""
        schema = self.load().schema
        return (*schema.item_id, schema.timestamp)

    def items(self) -> tuple[str, ...]:
        """Name the series seen in training, ascending."""
        return self.load().item_ids

    def forecast(self, request: ForecastRequest, seconds: float = math.inf) -> Forecast:
        """Answer a request; raises what forecasting raises, TimeLimitReached where it would take longer than that."""
        with deadline.within(seconds):
            return self._forecast(self.load(), request)
