"""How gaps are filled and rows made one, in the words of Amazon Forecast and Autopilot."""

from __future__ import annotations

from collections.abc import Mapping

from convect.errors import ConfigError
from convect.reading.foreign import as_object, known_keys

FILL_PLACES = ("frontfill", "middlefill", "backfill", "futurefill")


def fill_method(value: Mapping[str, object]) -> object:
    """Return the one fill method of `{"middlefill": "zero"}` or `{"column": {"middlefill": "zero"}}`.

    Raises ConfigError for several columns, for a place that is not filled here, and where places differ.
    """
    places = _places(value)
    _refuse_places(places)
    methods = {str(places[key]) for key in ("middlefill", "backfill") if key in places}
    if len(methods) != 1:
        raise ConfigError(
            f"missing needs one method for all gaps; found {', '.join(sorted(methods)) or 'none'}.",
            'Pass for example {"middlefill": "zero"}.',
        )
    method = methods.pop()
    return _constant(places) if method == "value" else method


def _places(value: Mapping[str, object]) -> Mapping[str, object]:
    if any(key in FILL_PLACES for key in value):
        return value
    if len(value) != 1:
        raise ConfigError(
            f"missing is set for {len(value)} columns; only gaps of the target are filled.",
            "Keep the target's entry alone.",
        )
    return as_object("missing", next(iter(value.values())))


def _refuse_places(places: Mapping[str, object]) -> None:
    known_keys("missing", places, (*FILL_PLACES, *(f"{place}_value" for place in FILL_PLACES)))
    if str(places.get("frontfill", "none")) != "none":
        raise ConfigError("missing: frontfill is not done; a series starts at its first value.", "Remove frontfill.")
    if "futurefill" in places:
        raise ConfigError("missing: futurefill is not done; it is for covariates.", "Remove futurefill.")


def _constant(places: Mapping[str, object]) -> str:
    given = {str(places.get(f"{place}_value")) for place in ("middlefill", "backfill") if place in places}
    if given <= {"0", "0.0"}:
        return "zero"
    raise ConfigError("missing: gaps are not filled with a fixed value other than 0.", "Use zero, mean or median.")


def aggregate_method(value: Mapping[str, object]) -> object:
    """Return the method of `{"column": "avg"}`; raises ConfigError for several columns."""
    if len(value) == 1:
        return next(iter(value.values()))
    raise ConfigError(
        f"aggregate is set for {len(value)} columns; only the target is aggregated.", "Keep the target's entry alone."
    )
