"""Content types: which form a body has, and which form of answer the caller would like best."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from convect.errors import NotAcceptable, RequestError, UnsupportedMediaType, nearest

CSV, JSON, JSON_LINES, PARQUET = "text/csv", "application/json", "application/jsonlines", "application/x-parquet"
TEXT = "text/plain"
OFFERED = (CSV, TEXT, JSON, JSON_LINES, PARQUET)  # what answers are written as
READ = {
    **dict.fromkeys((CSV, "application/csv"), CSV),
    **dict.fromkeys((JSON, "text/json"), JSON),
    **dict.fromkeys((JSON_LINES, "application/jsonl", "application/x-jsonlines", "application/x-ndjson"), JSON_LINES),
    **dict.fromkeys((PARQUET, "application/parquet", "application/vnd.apache.parquet"), PARQUET),
}
# These say nothing about the form; the last is what curl writes on every body where it is told no type.
GUESSED = ("", "application/octet-stream", TEXT, "application/x-www-form-urlencoded")
_UTF8 = ("utf-8", "utf8", "us-ascii", "ascii")
_CHARSETS = (
    *_UTF8,
    *("iso-8859-1", "latin-1", "latin1", "windows-1252", "cp1252"),
    *("utf-16", "utf-16le", "utf-16be", "utf-16-le", "utf-16-be"),
)


@dataclass(frozen=True)
class Form:
    """The form of a body: one of the four content types read, or None where it must be guessed, and its charset."""

    kind: str | None
    charset: str


def parse_type(content_type: str | None) -> Form:
    """Read a Content-Type header, parameters and all. Raises UnsupportedMediaType."""
    media, parameters = split(content_type or "")
    charset = parameters.get("charset", "utf-8").lower()
    if charset not in _CHARSETS:
        raise UnsupportedMediaType(f"The charset '{charset[:40]}' is not read.", "Encode text as UTF-8.")
    if media in GUESSED:
        return Form(None, charset)
    if media not in READ:
        remedy = f"{nearest(media, READ)} Send one of {', '.join((CSV, JSON, JSON_LINES, PARQUET))}."
        raise UnsupportedMediaType(f"The content type '{media[:80]}' is not read.", remedy)
    return Form(READ[media], charset)


def split(header: str) -> tuple[str, dict[str, str]]:
    """Split 'text/csv; charset="utf-8"' into 'text/csv' and {'charset': 'utf-8'}, names in lower case."""
    media, *rest = header.split(";")
    pairs = (part.partition("=") for part in rest)
    return media.strip().lower(), {name.strip().lower(): value.strip().strip('"') for name, _, value in pairs}


def to_text(body: bytes, charset: str) -> str:
    """Decode a body, without a byte-order mark. Raises RequestError."""
    try:
        return body.decode("utf-8" if charset in _UTF8 else charset).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        found = f"The body is not {charset} text: byte {error.start:,} cannot be read."
        raise RequestError(found, "Encode it as UTF-8 or name its charset in Content-Type.") from None


def to_utf8(body: bytes, charset: str) -> bytes:
    """Return a text body in UTF-8, without a byte-order mark. Raises RequestError."""
    return body.removeprefix(b"\xef\xbb\xbf") if charset in _UTF8 else to_text(body, charset).encode()


def sniff(body: bytes) -> str:
    """Guess the form of a body that came without a content type. Raises UnsupportedMediaType."""
    if body.startswith(b"PAR1"):
        return PARQUET
    start = body.removeprefix(b"\xef\xbb\xbf").lstrip()
    if start[:1] in (b"{", b"["):
        first, _, rest = start.partition(b"\n")
        whole_line = first.rstrip().endswith(b"}") and rest.lstrip().startswith(b"{")
        return JSON_LINES if whole_line else JSON
    header = start.partition(b"\n")[0]
    if header and not re.search(rb"[\x00-\x08\x0e-\x1f]", header):
        return CSV
    types = ", ".join((CSV, JSON, JSON_LINES, PARQUET))
    raise UnsupportedMediaType("The body's form was not recognised.", f"Name it in Content-Type: {types}.")


@lru_cache(maxsize=128)  # callers have few wishes, and each request asks three times
def negotiate(accept: str | None, default: str = CSV) -> str:
    """Return the content type of OFFERED that an Accept header likes best; without a header, or `*/*`, the default.

    The highest weight wins, then the more specific range, then the order of the header. Raises NotAcceptable.
    """
    served = dict.fromkeys((default, *OFFERED))
    wishes = [_wish(part, place) for place, part in enumerate((accept or "").split(",")) if part.strip()]
    rated = {name: _rating(name, wishes or [_Wish("*/*", 1.0, 0)]) for name in served}
    best = max(rated, key=lambda name: rated[name])
    if rated[best][0] <= 0:
        raise NotAcceptable(f"No answer is written as '{(accept or '')[:80]}'.", f"Accept one of {', '.join(served)}.")
    return best


@dataclass(frozen=True)
class _Wish:
    media: str
    weight: float
    place: int

    @property
    def narrowness(self) -> int:
        return 0 if self.media == "*/*" else 1 if self.media.endswith("/*") else 2

    def covers(self, name: str) -> bool:
        return self.media in ("*/*", name) or (self.media.endswith("/*") and name.startswith(self.media[:-1]))


def _wish(part: str, place: int) -> _Wish:
    media, parameters = split(part)
    weight = parameters.get("q", "1")
    known = re.fullmatch(r"[01](\.[0-9]{0,9})?|\.[0-9]{1,9}", weight)
    return _Wish(READ.get(media, media), min(float(weight), 1.0) if known else 1.0, place)


def _rating(name: str, wishes: Iterable[_Wish]) -> tuple[float, int, int]:
    """(weight, narrowness, earliness) of the narrowest range that covers `name`; weight 0 where none does."""
    matching = [(wish.narrowness, -wish.place, wish.weight) for wish in wishes if wish.covers(name)]
    narrowness, earliness, weight = max(matching, default=(0, 0, 0.0))
    return weight, narrowness, earliness
