"""A request's table brought to the clock of training."""

from __future__ import annotations

from dataclasses import replace

from convect.answering import forecasting
from convect.answering.request import ForecastRequest
from convect.artifact import Artifact
from convect.reading.clocks import turned
from convect.reading.columns import plain


def at_trained(artifact: Artifact, request: ForecastRequest) -> tuple[ForecastRequest, str]:
    """Return the request with the stamps of its table at the clock of training, and a sentence where they were not.

    Raises UserError where the table's columns or its stamps cannot be read.
    """
    if request.frame is None or artifact.panel.clock_min is None:
        return request, ""
    column = forecasting.schema_of(artifact, request).timestamp
    frame, note = turned(
        plain(request.frame), column, artifact.panel.clock_min, "the table", days=artifact.frequency.of_days
    )
    return replace(request, frame=frame), note
