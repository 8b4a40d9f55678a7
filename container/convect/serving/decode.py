"""Bytes to a request: look the reader of the content type up, then call it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace

from convect.answering.request import ForecastRequest
from convect.errors import PayloadTooLarge, RequestError, UserError
from convect.serving import dialects, media, native, tables
from convect.serving.dialects import Circumstances
from convect.serving.limits import DEFAULT_LIMITS, Limits
from convect.serving.strict_json import parse


@dataclass(frozen=True)
class Body:
    """What a reader needs: the bytes, their charset, the limits, and the columns that are text whatever they hold."""

    content: bytes
    charset: str
    text: Collection[str]
    told: Circumstances

    @property
    def limits(self) -> Limits:
        """What may be asked for."""
        return self.told.limits


def decode(
    body: bytes,
    content_type: str | None = None,
    limits: Limits = DEFAULT_LIMITS,
    text_columns: Collection[str] = (),
    *,
    batch: bool = False,
    lines_config: str = "",
) -> ForecastRequest:
    """Return the request that `body` makes; without a content type its form is guessed.

    `text_columns` names the trained columns of ids and stamps, which are not read as numbers. `batch` says that a
    transform job asks: one bad series then spoils no other. `lines_config` is DeepAR's configuration in JSON, for
    bodies that have no place for it. Raises UserError and nothing else: RequestError (400), PayloadTooLarge (413),
    UnsupportedMediaType (415), DataError (422).
    """
    form = media.parse_type(content_type)
    if not body.strip():
        raise RequestError("The body is empty.", "Send {} to forecast the series seen in training.")
    config = parse(lines_config, "The inference configuration") if lines_config else None
    told = Circumstances(limits, batch, config)
    asked = READERS[form.kind or media.sniff(body)](Body(body, form.charset, text_columns, told))
    if batch and asked.frame is not None:
        return replace(asked, partial=True, wording=replace(asked.wording, batch=True))
    return asked


def _json(body: Body) -> ForecastRequest:
    _refuse_crowd(body)
    return _document(parse(media.to_text(body.content, body.charset)), body)


def _document(document: object, body: Body) -> ForecastRequest:
    """Look at the keys for the dialect of a JSON document."""
    if isinstance(document, Mapping) and "instances" in document:
        return dialects.deepar(document, body.told)
    if isinstance(document, Mapping) and "inputs" in document:
        return dialects.chronos(document, body.told)
    if dialects.is_series(document):
        return dialects.lines([document], body.told, single=True)
    return native.read(document, body.limits, body.text)


def _csv(body: Body) -> ForecastRequest:
    content = media.to_utf8(body.content, body.charset)
    return ForecastRequest(frame=tables.from_csv(content, body.limits, body.text))


def _json_lines(body: Body) -> ForecastRequest:
    """Rows of a table, or one series a line: what the first line that can be read is, all are."""
    _refuse_crowd(body)
    text = media.to_text(body.content, body.charset)
    found = [_line(line, number) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
    first = next((one for one in found if not isinstance(one, UserError)), None)
    if len(found) == 1 and isinstance(first, Mapping) and ("instances" in first or "inputs" in first):
        return _document(first, body)
    if dialects.is_series(first) or (first is None and body.told.batch):
        return dialects.lines(found, body.told)
    for one in found:
        if isinstance(one, UserError):
            raise one
    return ForecastRequest(frame=tables.from_records(found, body.limits, body.text))


def _line(text: str, number: int) -> object:
    try:
        return parse(text, f"Line {number}")
    except UserError as error:
        return error


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
