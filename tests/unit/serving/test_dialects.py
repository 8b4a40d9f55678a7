"""DeepAR's and Chronos's requests, and JSON Lines of series, with what is read from them."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from convect.answering.request import ForecastRequest, Series, Wording
from convect.errors import DataError, PayloadTooLarge, RequestError, UserError
from convect.serving import wire
from convect.serving.limits import Limits

ONE: dict[str, Any] = {"start": "2024-01-01 00:00:00", "target": [4, "NaN", None, 7.5]}


def sent(document: object, content_type: str | None = "application/json", **options: Any) -> ForecastRequest:
    return wire.decode(json.dumps(document).encode(), content_type, **options)


def lines(*objects: object, **options: Any) -> ForecastRequest:
    text = "\n".join(one if isinstance(one, str) else json.dumps(one) for one in objects)
    return wire.decode(text.encode(), "application/jsonlines", **options)


def good(request: ForecastRequest) -> list[Series]:
    assert request.series is not None
    assert request.frame is None
    return [one for one in request.series if isinstance(one, Series)]


def refusal(document: object, **options: Any) -> UserError:
    with pytest.raises(UserError) as caught:
        sent(document, **options)
    return caught.value


def test_deepar_in_full() -> None:
    configuration = {"num_samples": 7, "output_types": ["samples", "mean"], "quantiles": ["0.90", "0.1"], "freq": "D"}
    instance = {**ONE, "cat": [0, 3], "dynamic_feat": [[1, 2, 3, 4, 5], [0.5] * 5]}
    request = sent({"instances": [instance, ONE], "configuration": configuration})
    first, second = good(request)
    np.testing.assert_array_equal(first.target, [4, np.nan, np.nan, 7.5])
    assert (first.start, first.item_id, second.covariates) == ("2024-01-01 00:00:00", None, {})
    assert first.covariates == {0: [1, 2, 3, 4, 5], 1: [0.5] * 5}
    assert first.static == {0: 0, 1: 3}
    assert (request.samples, request.quantiles, request.freq, request.horizon) == (7, (0.1, 0.9), "D", None)
    assert request.wording == Wording("deepar", ("mean", "samples"), {0.1: "0.1", 0.9: "0.90"})
    assert not request.partial


def test_paths_are_drawn_only_where_they_are_asked_for() -> None:
    assert sent({"instances": [ONE], "configuration": {"num_samples": 9}}).samples == 0
    assert sent({"instances": [ONE], "configuration": {"output_types": ["samples"]}}).samples == 100


def test_chronos_in_full() -> None:
    given = {**ONE, "item_id": 7, "past_covariates": {"price": [1, 2, 3, 4], "sky": ["a"] * 4}}
    given["future_covariates"] = {"price": [5, 6], "promo": [1, 0]}
    parameters = {"prediction_length": 2, "quantile_levels": [0.05, 0.5], "freq": "1D", "batch_size": 32}
    request = sent({"inputs": [given], "parameters": parameters})
    (series,) = good(request)
    assert series.item_id == "7"
    assert series.covariates == {
        "price": [1, 2, 3, 4, 5, 6],
        "sky": ["a"] * 4,
        "promo": [None, None, None, None, 1, 0],
    }
    assert (request.horizon, request.quantiles, request.freq) == (2, (0.05, 0.5), "1D")
    assert request.wording.dialect == "chronos"


def test_a_target_and_nothing_else_is_enough_for_chronos() -> None:
    (series,) = good(sent({"inputs": [{"target": [1, 2]}]}))
    assert (series.start, series.item_id, series.covariates, series.static) == (None, None, {}, {})


CLARIFY = {  # record templates of its time-series explainability, filled in
    "'$record'": ({**ONE}, True, 1),
    "'$record' with related series and statics": ({**ONE, "dynamic_feat": [[1, 2, 3, 4]], "cat": [0, 1]}, True, 1),
    "{'instances': $records}": ({"instances": [ONE, ONE]}, False, 2),
    "{'instances': $record}": ({"instances": ONE}, False, 1),
}


@pytest.mark.parametrize("template", CLARIFY)
def test_the_templates_of_clarify(template: str) -> None:
    document, single, count = CLARIFY[template]
    request = sent(document)
    assert len(good(request)) == count
    assert request.wording.single == single
    assert not request.partial


def test_lines_of_any_dialect_and_an_error_where_one_is_bad() -> None:
    own = {"item_id": "a", "timestamp": "2024-01-01", "target": [1, 2], "static_features": {"kind": "x"}}
    request = lines(ONE, "", own, "{bad", {"target": [True]}, 7, {"item_id": "a"}, {"item_id": "b", "tarket": []})
    assert request.series is not None
    assert request.partial
    assert request.wording.dialect == "lines"
    kinds = [type(one) for one in request.series]
    assert kinds == [Series, Series, RequestError, DataError, RequestError, Series, RequestError]
    assert [one.item_id for one in good(request)] == [None, "a", "a"]
    assert good(request)[1].start == "2024-01-01"
    assert "Line 4 is not valid JSON" in str(request.series[2])
    assert "Did you mean 'target'?" in str(request.series[6])


def test_the_first_line_says_what_lines_are() -> None:
    assert lines({"item_id": "a", "timestamp": "2024-01-01", "target": 1}).frame is not None
    assert len(good(lines({"item_id": "a"}))) == 1
    assert len(good(lines({"target": []}, {"item_id": "a", "timestamp": "2024-01-01", "target": 1}))) == 1
    with pytest.raises(RequestError, match="Line 2 is not valid JSON"):
        lines({"item_id": "a", "timestamp": "2024-01-01", "target": 1}, "{")


def test_a_form_that_is_not_named_is_guessed() -> None:
    whole = "\n".join(map(json.dumps, [ONE, ONE])).encode()
    assert wire.decode(whole).wording.dialect == "lines"
    assert sent({"instances": [ONE]}, None).wording.dialect == "deepar"
    assert sent({"inputs": [ONE]}, "application/octet-stream").wording.dialect == "chronos"
    assert sent(ONE, None).wording.single
    assert sent({"instances": [ONE]}, "application/jsonlines").wording.dialect == "deepar"
    text = json.dumps({"instances": [{**ONE, "item_id": "é"}]})
    assert good(wire.decode(text.encode("utf-16"), "application/json; charset=utf-16"))[0].item_id == "é"


def test_lines_have_their_configuration_from_the_environment() -> None:
    config = json.dumps({"num_samples": 5, "output_types": ["quantiles", "samples"], "quantiles": ["0.5"]})
    request = lines(ONE, lines_config=config)
    assert (request.samples, request.quantiles) == (5, (0.5,))
    assert request.wording.outputs == ("quantiles", "samples")
    assert sent({"instances": [ONE]}, lines_config=config).samples == 0
    with pytest.raises(RequestError, match="The inference configuration is not valid JSON"):
        lines(ONE, lines_config="{")


def test_in_batch_a_bad_item_of_a_table_is_left_to_the_others() -> None:
    table = b"item_id,timestamp,target\na,2024-01-01,x\n"
    for batch in (True, False):
        request = wire.decode(table, "text/csv", batch=batch)
        assert (request.partial, request.wording.batch) == (batch, batch)
        assert not wire.decode(b"{}", "application/json", batch=batch).wording.batch


def test_in_batch_a_bad_series_is_left_to_the_others() -> None:
    request = sent({"instances": [ONE, {"target": 7}]}, batch=True)
    assert request.partial
    assert request.wording.batch
    assert len(good(request)) == 1
    assert isinstance(lines("{bad", batch=True).series, tuple)
    with pytest.raises(RequestError):
        lines("{bad")


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"instances": []}, "The request's instances is no list of series."),
        ({"instances": 7}, "The request's instances is no list of series."),
        ({"instances": [ONE], "config": {}}, "unknown key 'config'. Did you mean 'configuration'?"),
        ({"instances": [ONE], "configuration": []}, "The request's configuration is not an object."),
        ({"instances": [ONE], "configuration": {"sample": 1}}, "unknown key 'sample'"),
        ({"instances": [ONE], "configuration": {"num_samples": 0}}, "Send a whole number from 1 to 1000."),
        ({"instances": [ONE], "configuration": {"num_samples": 1e9}}, "num_samples is 1000000000.0."),
        (
            {"instances": [ONE], "configuration": {"output_types": ["median"]}},
            "The request's output_types is ['median']. Send a list of mean, quantiles, samples.",
        ),
        ({"instances": [ONE], "configuration": {"quantiles": ["1.5"]}}, "numbers between 0 and 1"),
        ({"instances": [ONE], "configuration": {"quantiles": []}}, "numbers between 0 and 1"),
        ({"instances": [ONE], "configuration": {"freq": 7}}, "The request's freq must be a text; found 7."),
        ({"inputs": [ONE], "parameters": {"prediction_length": 0}}, "The request's horizon must be a whole number"),
        ({"inputs": [ONE], "parameters": {"length": 3}}, "unknown key 'length'"),
        ({"inputs": {}}, None),
        ({"inputs": [ONE], "instances": [ONE]}, "unknown key 'inputs'"),
    ],
)
def test_what_a_bad_request_is_told(document: object, said: str | None) -> None:
    if said is None:  # one object is one series
        assert len(good(sent(document))) == 1
    else:
        assert said in str(refusal(document))


@pytest.mark.parametrize(
    ("given", "said", "status"),
    [
        (7, "It is not an object.", 400),
        ({**ONE, "tarket": 1}, "It has an unknown key 'tarket'.", 400),
        ({"target": 3}, "Its target is not a list.", 400),
        ({"target": [1, [2]]}, "The target holds no number at place 2: a list.", 422),
        ({"target": [1, "2"]}, "The target holds no number at place 2: text, '2'.", 422),
        ({"target": [1, False]}, "The target holds true or false.", 422),
        ({**ONE, "start": [1]}, "Its start is no timestamp.", 400),
        ({**ONE, "timestamp": "2024-01-01"}, "It has both start and timestamp.", 400),
        ({**ONE, "item_id": True}, "Its item_id is no text or whole number.", 400),
        ({**ONE, "item_id": "x" * 1_001}, "Its item_id is no text or whole number.", 400),
        ({**ONE, "dynamic_feat": [1, 2]}, "Its dynamic_feat is not a list of lists.", 400),
        ({**ONE, "cat": [[1]]}, "Its static features are no plain values.", 400),
        ({**ONE, "past_covariates": [1]}, "Its past_covariates is not an object.", 400),
        ({**ONE, "past_covariates": {"p": 1}}, "Its covariate 'p' is not a list.", 400),
        ({**ONE, "past_covariates": {"p": [1]}}, "has 1 values for the 4 of the target", 422),
    ],
)
def test_what_a_bad_series_is_told(given: object, said: str, status: int) -> None:
    request = lines(ONE, given)
    assert request.series is not None
    error = request.series[1]
    assert isinstance(error, UserError)
    assert said in str(error)
    assert error.status == status


@pytest.mark.parametrize(
    "series",
    [
        [{"target": [1] * 11}],
        [{"target": [1] * 6}, {"target": [1] * 6}],
        [{"target": [1]}] * 11,
        [{"target": [1], "dynamic_feat": [[1]] * 4}],
        [{"target": [1], "cat": [1] * 4}],
        [{"target": [1], "dynamic_feat": [[1] * 19]}],
    ],
)
def test_more_than_the_limits_is_refused(series: list[object]) -> None:
    small = Limits(rows=10, columns=4, cells=18)
    with pytest.raises(PayloadTooLarge):
        sent({"instances": series}, limits=small)
