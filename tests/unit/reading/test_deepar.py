"""A DeepAR job's hyperparameters: which become ours, which have no effect, and what is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convect.config import Config
from convect.errors import ConfigError
from convect.frequency import Frequency
from convect.reading.deepar import IDLE, OURS, idle, is_deepar, parted

JOB = {"time_freq": "D", "context_length": "30", "prediction_length": "7", "epochs": "20"}


def read(**more: object) -> Config:
    return Config.from_hyperparameters({**JOB, **more})


def message(**more: object) -> str:
    with pytest.raises(ConfigError) as caught:
        read(**more)
    return f"{caught.value.message} {caught.value.remedy}"


def test_its_words_become_ours() -> None:
    assert read(test_quantiles="[0.9, 0.1]") == Config(horizon=7, freq="D", quantiles=(0.1, 0.9))


def test_our_own_words_beside_them_still_work() -> None:
    mixed = read(preset="fast", config='{"metric": "wQL", "horizon": 3}', _tuning_objective_metric="test:RMSE")
    assert mixed == Config(horizon=7, freq="D", preset="fast", metric="wQL")


@pytest.mark.parametrize("same", ["7", '"7"', 7, "", None])
def test_saying_it_twice_alike_is_no_conflict(same: object) -> None:
    assert read(horizon=same).horizon == 7


def test_two_spellings_of_a_frequency_are_no_conflict() -> None:
    assert read(freq="1D").freq == "1D"


def test_a_conflict_names_both() -> None:
    assert message(horizon="14") == (
        "Hyperparameters horizon and prediction_length differ: 14 and 7."
        " Keep one of them; prediction_length is DeepAR's word for horizon."
    )
    assert message(freq="h").startswith("Hyperparameters freq and time_freq differ: 'h' and 'D'.")
    assert message(quantiles="0.5", test_quantiles="[0.1]").startswith(
        "Hyperparameters quantiles and test_quantiles differ: (0.5,) and (0.1,)."
    )


def test_a_bad_value_is_told_under_its_own_name() -> None:
    assert message(prediction_length="many").startswith(
        "Hyperparameter prediction_length must be a whole number from 1 to 10000; found 'many'."
    )


def test_what_nobody_knows_is_still_refused() -> None:
    assert message(epoch="20").startswith("Unknown hyperparameter 'epoch'.")


@pytest.mark.parametrize("name", ["epochs", "learning_rate", "cardinality", "test_quantiles"])
def test_a_job_that_is_not_deepar_s_must_not_use_its_words(name: str) -> None:
    with pytest.raises(ConfigError, match=f"Unknown hyperparameter '{name}'"):
        Config.from_hyperparameters({"horizon": "7", name: "1"})
    assert idle({"horizon": "7", name: "1"}) == []


@pytest.mark.parametrize(
    ("time_freq", "ours"),
    [("M", "MS"), ("W", "W-SUN"), ("D", "D"), ("H", "h"), ("min", "min"), ("5min", "5min"), ("2H", "2h"), ("1D", "D")],
)
def test_its_frequencies_are_ours(time_freq: str, ours: str) -> None:
    config = read(time_freq=time_freq)
    assert config.freq is not None
    assert Frequency.parse(config.freq).alias == ours


def test_what_has_no_effect_is_named_in_the_job_s_order() -> None:
    assert idle({**JOB, "num_cells": "40", "preset": "fast"}) == ["context_length", "epochs", "num_cells"]


@given(st.dictionaries(st.sampled_from([*OURS, *IDLE, "horizon", "preset", "banana"]), st.text(max_size=5)))
def test_every_name_is_ours_theirs_or_idle(values: dict[str, str]) -> None:
    own, theirs = parted(values)
    assert {*own, *theirs, *idle(values)} == set(values)
    assert len(own) + len(theirs) + len(idle(values)) == len(values)
    assert is_deepar(values) or own == values
