"""An answer of many series as JSON Lines, one series a line, sent while the next ones are still to be done."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace

from convect.answering.request import Forecast, ForecastRequest
from convect.serving import media, predictions

PART_ITEMS = 200  # series forecast and written at a time, so that memory does not grow with their number


def fits(asked: ForecastRequest, form: str) -> bool:
    """Whether an answer in this form is sent line by line.

    Not in batch, where a file that broke off would pass for a whole one; not for a few single series, whose errors are
    known before there is a status; not for sample paths, which are drawn together.
    """
    few = asked.series is not None and len(asked.series) <= PART_ITEMS
    return form == media.JSON_LINES and not (asked.wording.batch or asked.samples or few)


def lines(
    asked: ForecastRequest, trained: tuple[str, ...], forecast: Callable[[ForecastRequest], Forecast]
) -> Iterator[bytes]:
    """Yield the lines of the answer in the order of the whole, each but the last with a line end.

    The platform adds a line end of its own between answers. `trained` are the items seen in training, ascending.
    """
    held: bytes | None = None
    for part in _parts(asked, trained):
        for line in predictions.lines(forecast(part), part):
            if held is not None:
                yield held + b"\n"
            held = line
    if held is not None:
        yield held


def _parts(asked: ForecastRequest, trained: tuple[str, ...]) -> Iterator[ForecastRequest]:
    """Cut a request into requests of a few series; a table sent by the caller stays whole."""
    if asked.series is not None:
        for first in range(0, len(asked.series), PART_ITEMS):
            yield replace(asked, series=asked.series[first : first + PART_ITEMS])
        return
    items = trained if asked.items is None else tuple(sorted(set(asked.items)))
    if asked.frame is not None or not set(items) <= set(trained):
        yield asked  # of unknown items, forecasting says what is wrong, and with how many
        return
    for first in range(0, len(items), PART_ITEMS):
        yield replace(asked, items=items[first : first + PART_ITEMS])


def guarded(texts: Iterator[bytes], describe: Callable[[Exception], dict[str, str]]) -> Iterator[bytes]:
    """Yield the texts; where one fails, end with a line `{"error": …}`, since the status has long been sent."""
    try:
        yield from texts
    except Exception as error:
        yield b"\n" + json.dumps({"error": describe(error)}).encode()
