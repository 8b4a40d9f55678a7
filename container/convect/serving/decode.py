"""Bytes to a request: look the reader of the content type up, then call it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from convect.errors import PayloadTooLarge, RequestError
from convect.request import ForecastRequest
from convect.serving import media, native, tables
from convect.serving.limits import DEFAULT_LIMITS, Limits
from convect.serving.strict_json import parse


@dataclass(frozen=True)
class Body:
    """What a reader needs: the bytes, their charset, the limits, and the columns that are text whatever they hold."""

    content: bytes
    charset: str
    limits: Limits
    text: Collection[str]


def decode(
    body: bytes,
    content_type: str | None = None,
    limits: Limits = DEFAULT_LIMITS,
    text_columns: Collection[str] = (),
) -> ForecastRequest:
    """Return the request that `body` makes; without a content type its form is guessed.

    `text_columns` names the trained columns of ids and stamps, which are not read as numbers. Raises UserError and
    nothing else: RequestError (400), PayloadTooLarge (413), UnsupportedMediaType (415), DataError (422).
    """
    form = media.parse_type(content_type)
    if not body.strip():
        raise RequestError("The body is empty.", "Send {} to forecast the series seen in training.")
    return READERS[form.kind or media.sniff(body)](Body(body, form.charset, limits, text_columns))


def _json(body: Body) -> ForecastRequest:
    _refuse_crowd(body)
    return native.read(parse(media.to_text(body.content, body.charset)), body.limits, body.text)


def _csv(body: Body) -> ForecastRequest:
    content = media.to_utf8(body.content, body.charset)
    return ForecastRequest(frame=tables.from_csv(content, body.limits, body.text))


def _json_lines(body: Body) -> ForecastRequest:
    _refuse_crowd(body)
    lines = enumerate(media.to_text(body.content, body.charset).split("\n"), 1)
    rows = [parse(line, f"Line {number}") for number, line in lines if line.strip()]
    return ForecastRequest(frame=tables.from_records(rows, body.limits, body.text))


def _parquet(body: Body) -> ForecastRequest:
    return ForecastRequest(frame=tables.from_parquet(body.content, body.limits, body.text))


def _refuse_crowd(body: Body) -> None:
    # An empty list is three bytes of JSON and some sixty of memory, so they are counted before any is made.
    crowd = max(body.content.count(b"{"), body.content.count(b"["))
    if crowd > body.limits.rows:
        found = f"The JSON has {crowd:,} objects or lists; at most {body.limits.rows:,} are read."
        raise PayloadTooLarge(found, "Send fewer at a time.")


READERS: dict[str, Callable[[Body], ForecastRequest]] = {
    media.CSV: _csv,
    media.JSON: _json,
    media.JSON_LINES: _json_lines,
    media.PARQUET: _parquet,
}
