from __future__ import annotations

import pytest

from convect import errors
from convect.errors import (
    AlgorithmError,
    ConfigError,
    ConvectError,
    DataError,
    NotAcceptable,
    PayloadTooLarge,
    PlatformError,
    RequestError,
    SeriesError,
    UnsupportedMediaType,
    UserError,
    nearest,
)

STATUS = {
    UserError: 400,
    ConfigError: 400,
    RequestError: 400,
    DataError: 422,
    SeriesError: 422,
    PayloadTooLarge: 413,
    UnsupportedMediaType: 415,
    NotAcceptable: 406,
    AlgorithmError: 500,
    PlatformError: 503,
}


def test_the_text_is_one_line_with_class_code_message_and_remedy() -> None:
    error = ConfigError("horizon is\n 0.", "Use 1\tor more.")
    assert str(error) == "UserError [config]: horizon is 0. Use 1 or more."
    assert (error.message, error.remedy, error.code) == ("horizon is 0.", "Use 1 or more.", "config")


def test_no_remedy_leaves_no_trailing_space() -> None:
    assert str(PlatformError("The disk is full.")) == "PlatformError [platform]: The disk is full."


def test_a_code_can_be_given() -> None:
    assert str(AlgorithmError("x.", code="fit")) == "AlgorithmError [fit]: x."
    assert AlgorithmError.code == "algorithm"


def test_each_class_has_its_status() -> None:
    assert {kind: kind("x").status for kind in STATUS} == STATUS


def test_every_error_class_is_listed_above() -> None:
    classes = {kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, ConvectError)}
    assert classes - {ConvectError} == set(STATUS)


def test_who_must_act_is_one_of_three() -> None:
    for kind in STATUS:
        assert kind.who in {"UserError", "AlgorithmError", "PlatformError"}
        assert issubclass(kind, UserError) == (kind.who == "UserError") == (kind.status < 500)


@pytest.mark.parametrize(
    ("word", "expected"),
    [("horzon", "Did you mean 'horizon'?"), ("HORIZONS", "Did you mean 'horizon'?"), ("banana", ""), ("", "")],
)
def test_nearest(word: str, expected: str) -> None:
    assert nearest(word, ["horizon", "seed"]) == expected


def test_nearest_answers_in_the_spelling_of_the_option() -> None:
    assert nearest("date", ["Date", "y"]) == "Did you mean 'Date'?"
