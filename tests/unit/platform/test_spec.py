from __future__ import annotations

import re

import pytest

from convect.config import HYPERPARAMETERS
from convect.errors import AlgorithmError
from convect.platform.spec import CHANNELS, METRICS, OBJECTIVES, metric_definitions, metric_line

VALUES = [0.0, 1.0, -0.25, 12.5, 1e-9, 1.5e20, 123456789.0]


@pytest.mark.parametrize("value", VALUES)
def test_each_regex_finds_its_own_line_and_no_other(value: float, capsys: pytest.CaptureFixture[str]) -> None:
    lines = {metric.name: metric_line(metric.name, value) for metric in METRICS}
    assert capsys.readouterr().out.splitlines() == list(lines.values())
    for definition in metric_definitions():
        found = {name: re.findall(definition["Regex"], line) for name, line in lines.items()}
        own = found.pop(definition["Name"])
        assert [float(text) for text in own] == [pytest.approx(value, rel=1e-5)]
        assert not any(found.values())


def test_a_regex_finds_its_line_within_a_whole_log() -> None:
    log = "fit theta\nmetric: validation:MASE=0.81\nmetric: validation:RMSE=3\nMASE=7\nmetric: validation:MASE=nan\n"
    regexes = {definition["Name"]: definition["Regex"] for definition in metric_definitions()}
    assert re.findall(regexes["validation:MASE"], log) == ["0.81"]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_value_that_is_not_finite_is_printed_but_not_found(value: float) -> None:
    line = metric_line("validation:MASE", value)
    assert line.startswith("metric: validation:MASE=")
    assert not any(re.search(definition["Regex"], line) for definition in metric_definitions())


def test_an_undeclared_metric_is_refused() -> None:
    with pytest.raises(AlgorithmError) as caught:
        metric_line("validation:mase", 1.0)
    assert str(caught.value) == (
        "AlgorithmError [algorithm]: Metric 'validation:mase' is not declared. Declare it in METRICS."
    )


def test_the_platforms_limits() -> None:
    definitions = metric_definitions()
    assert len(definitions) == len({definition["Name"] for definition in definitions}) <= 40
    for definition in definitions:
        assert len(definition["Name"]) <= 255
        assert len(definition["Regex"]) <= 500
        assert re.compile(definition["Regex"]).groups == 1
    assert len(HYPERPARAMETERS) <= 100
    assert len(CHANNELS) <= 8
    assert all(re.fullmatch(r"[A-Za-z0-9._-]{1,64}", channel.name) for channel in CHANNELS)


def test_each_metric_of_selection_is_printed() -> None:
    choices = next(parameter.choices for parameter in HYPERPARAMETERS if parameter.name == "metric")
    assert {f"validation:{choice}" for choice in choices} <= {metric.name for metric in METRICS}


def test_train_alone_is_required() -> None:
    assert [channel.name for channel in CHANNELS if channel.required] == ["train"]


def test_every_error_of_both_splits_may_be_an_objective() -> None:
    assert set(OBJECTIVES) < {metric.name for metric in METRICS}
    choices = next(parameter.choices for parameter in HYPERPARAMETERS if parameter.name == "metric")
    assert set(OBJECTIVES) == {f"{split}:{choice}" for split in ("validation", "test") for choice in choices}
