"""What a service does before its first caller."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

from convect.answering.request import Forecast, ForecastRequest
from convect.errors import DataError
from convect.serving.service import WARM_ROWS, Service


def test_the_models_are_warmed_up_by_the_newest_rows_of_one_series_as_if_unseen(artifact: Any) -> None:
    asked: list[ForecastRequest] = []
    artifact.panel = SimpleNamespace(series=lambda place: np.arange(100.0))

    def refusing(_: Any, request: ForecastRequest) -> Forecast:
        asked.append(request)
        raise DataError("It is refused.", "Nothing depends on it.")

    Service(lambda: artifact, refusing).warm_up()
    assert len(asked) == 1
    (history,) = asked[0].series or ()
    assert history.item_id is None
    assert history.target.tolist() == np.arange(100.0 - WARM_ROWS, 100.0).tolist()
