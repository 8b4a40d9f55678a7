"""The three classes of error, sorted by who must act, and the one sentence each of them says."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable
from typing import Any


class ConvectError(Exception):
    """What every error of this package is: who must act, what was found, where, and the remedy.

    `str(error)` is one line, `Class [code]: message remedy`; it is the first line of the failure file and
    the body of an HTTP answer. `status` is the HTTP status that the server gives for it.
    """

    who = "ConvectError"
    code = "error"
    status = 500

    def __init__(self, message: str, remedy: str = "", *, code: str | None = None) -> None:
        self.message = " ".join(message.split())
        self.remedy = " ".join(remedy.split())
        self.code = code or type(self).code
        super().__init__(self.message)

    def __str__(self) -> str:
        return f"{self.who} [{self.code}]: {self.message} {self.remedy}".rstrip()


class UserError(ConvectError):
    """The caller must act: the data, the settings or the request cannot be used as they are."""

    who = "UserError"
    code = "user_error"
    status = 400


class ConfigError(UserError):
    """A hyperparameter or the schema is unknown, malformed or out of range."""

    code = "config"


class RequestError(UserError):
    """A request that cannot be read."""

    code = "request"


class DataError(UserError):
    """A table that was read, but whose content cannot be forecast."""

    code = "data"
    status = 422


class SeriesError(DataError):
    """What lies in single series of a table: without them the others could be forecast.

    `rows`: of the table read, a mask (rows,) of the bad ones, True where all are, None where nobody has looked. `of`
    says the same of some bad rows alone: given their places (m,) in the table read, ascending, and the numbers (m,)
    that the caller knows them by.
    """

    def __init__(
        self,
        message: str,
        remedy: str = "",
        *,
        code: str | None = None,
        rows: Any = None,  # noqa: ANN401 - numpy is no business of this file
        of: Callable[[Any, Any], DataError] | None = None,
    ) -> None:
        super().__init__(message, remedy, code=code)
        self.rows, self.of = rows, of


class PayloadTooLarge(UserError):
    """A request larger than the server's limit."""

    code = "payload_too_large"
    status = 413


class UnsupportedMediaType(UserError):
    """A content type that the server does not read."""

    code = "unsupported_media_type"
    status = 415


class NotAcceptable(UserError):
    """An answer was asked for in a form that the server does not write."""

    code = "not_acceptable"
    status = 406


class AlgorithmError(ConvectError):
    """We must act: the product failed on input that it accepted."""

    who = "AlgorithmError"
    code = "algorithm"


class PlatformError(ConvectError):
    """The operator must act: a disk, a file or a host is not as the platform promises."""

    who = "PlatformError"
    code = "platform"
    status = 503


def nearest(word: str, options: Iterable[str]) -> str:
    """Return "Did you mean 'x'?" for the option most like `word`, or "" where none is alike.

    >>> nearest("horzon", ["horizon", "seed"])
    "Did you mean 'horizon'?"
    """
    found = likest(word, options)
    return f"Did you mean '{found}'?" if found else ""


def likest(word: str, options: Iterable[str]) -> str:
    """Return the option most like `word`, "" where none is alike."""
    lowered = {option.lower(): option for option in options}
    found = difflib.get_close_matches(word.lower(), lowered, n=1, cutoff=0.6)
    return lowered[found[0]] if found else ""
