from __future__ import annotations

import logging
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convect.errors import AlgorithmError, ConfigError
from convect.serving import gunicorn_config, program
from convect.serving.settings import Settings, folder_bytes

NAMES = (
    "SAGEMAKER_BIND_TO_PORT",
    "SAGEMAKER_MODEL_SERVER_WORKERS",
    "MODEL_SERVER_WORKERS",
    "SAGEMAKER_MODEL_SERVER_TIMEOUT",
    "SAGEMAKER_MAX_PAYLOAD_IN_MB",
    "SAGEMAKER_MAX_CONCURRENT_TRANSFORMS",
    "SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT",
    "SAGEMAKER_BATCH",
    "SAGEMAKER_BATCH_STRATEGY",
    "SAGEMAKER_CONTAINER_LOG_LEVEL",
)


def settings_of(**environment: str) -> Settings:
    return Settings.from_environment(environment, cpus=2)


def test_an_empty_environment_gives_the_defaults() -> None:
    assert settings_of() == Settings(workers=2)
    assert settings_of(SAGEMAKER_BIND_TO_PORT="", MODEL_SERVER_WORKERS=" ") == Settings(workers=2)


@pytest.mark.parametrize(
    ("environment", "field", "value"),
    [
        ({"SAGEMAKER_BIND_TO_PORT": "23001"}, "port", 23001),
        ({"MODEL_SERVER_WORKERS": "3"}, "workers", 3),
        ({"SAGEMAKER_MODEL_SERVER_WORKERS": "4", "MODEL_SERVER_WORKERS": "3"}, "workers", 4),
        ({"MODEL_SERVER_TIMEOUT": "90"}, "timeout_s", 90),
        ({"SAGEMAKER_BATCH": "true"}, "timeout_s", 3600),
        ({"SAGEMAKER_BATCH": "True"}, "timeout_s", 3600),
        ({"SAGEMAKER_BATCH": "TRUE", "MODEL_SERVER_TIMEOUT": "90"}, "timeout_s", 3600),
        ({"SAGEMAKER_BATCH": "true", "MODEL_SERVER_TIMEOUT": "7200"}, "timeout_s", 7200),
        ({"SAGEMAKER_BATCH": "false"}, "timeout_s", 60),
        ({"SAGEMAKER_MAX_PAYLOAD_IN_MB": "6"}, "max_payload_bytes", 7 * 1024 * 1024),
        ({"SAGEMAKER_MAX_PAYLOAD_IN_MB": "0"}, "max_payload_bytes", None),
        ({}, "max_payload_bytes", 101 * 1024 * 1024),
        ({"SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT": "Application/JSON; x=1"}, "default_accept", "application/json"),
        ({"SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT": "*/*"}, "default_accept", ""),
        ({"SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT": "text/*"}, "default_accept", "text/csv"),
        ({"DEEPAR_INFERENCE_CONFIG": ' {"num_samples": 9}'}, "inference_config", '{"num_samples": 9}'),
        ({"INFERENCE_CONFIG": "{}"}, "inference_config", "{}"),
        ({"CONVECT_SERIES_TIME_LIMIT_S": "0"}, "series_limit_s", 0),
        ({"SAGEMAKER_CONTAINER_LOG_LEVEL": "30"}, "log_level", logging.WARNING),
        ({"SAGEMAKER_CONTAINER_LOG_LEVEL": "Error"}, "log_level", logging.ERROR),
        ({"SAGEMAKER_BATCH_STRATEGY": "SingleRecord"}, "batch_strategy", "SINGLE_RECORD"),
        ({"SAGEMAKER_BATCH_STRATEGY": "SINGLE_RECORD"}, "batch_strategy", "SINGLE_RECORD"),
    ],
)
def test_what_a_variable_sets(environment: dict[str, str], field: str, value: object) -> None:
    assert getattr(settings_of(**environment), field) == value


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        (
            {"MODEL_SERVER_WORKERS": "two"},
            "UserError [config]: MODEL_SERVER_WORKERS is 'two'. Set it to a whole number from 1 to 1,024.",
        ),
        (
            {"SAGEMAKER_BIND_TO_PORT": "70000"},
            "UserError [config]: SAGEMAKER_BIND_TO_PORT is '70000'. Set it to a whole number from 1 to 65,535.",
        ),
        (
            {"SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT": "image/png"},
            "UserError [config]: SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT is 'image/png'. Set it to one of text/csv, "
            "text/plain, application/json, application/jsonlines, application/x-parquet.",
        ),
        (
            {"SAGEMAKER_CONTAINER_LOG_LEVEL": "loud"},
            "UserError [config]: SAGEMAKER_CONTAINER_LOG_LEVEL is 'loud'. Set it to one of debug, info, warn, "
            "warning, error, critical, 10, 20, 30, 40, 50.",
        ),
    ],
)
def test_a_variable_that_cannot_be_used(environment: dict[str, str], sentence: str) -> None:
    with pytest.raises(ConfigError) as caught:
        settings_of(**environment)
    assert str(caught.value) == sentence


VALUES = st.text(max_size=12) | st.integers().map(str) | st.sampled_from(["²", "True"])


@given(st.dictionaries(st.sampled_from(NAMES), VALUES))
def test_any_environment_gives_settings_or_a_config_error(environment: dict[str, str]) -> None:
    try:
        found = settings_of(**environment)
    except ConfigError:
        return
    assert gunicorn_config.options(found)["workers"] == found.workers >= 1
    assert gunicorn_config.options(found)["loglevel"] in ("debug", "info", "warning", "error", "critical")
    assert found.execution_parameters["MaxConcurrentTransforms"]


@pytest.mark.parametrize(
    ("environment", "concurrent", "payload_mb"),
    [
        ({}, 2, 50),
        ({"SAGEMAKER_MAX_CONCURRENT_TRANSFORMS": "8", "SAGEMAKER_MAX_PAYLOAD_IN_MB": "6"}, 8, 6),
        ({"SAGEMAKER_MAX_CONCURRENT_TRANSFORMS": "300"}, 300, 1),
        ({"SAGEMAKER_MAX_PAYLOAD_IN_MB": "0"}, 2, 0),
    ],
)
def test_transform_may_ask_for_100_mb_at_a_time(environment: dict[str, str], concurrent: int, payload_mb: int) -> None:
    found = settings_of(**environment).execution_parameters
    assert (found["MaxConcurrentTransforms"], found["MaxPayloadInMB"]) == (concurrent, payload_mb)


def test_gunicorn_is_told_what_the_settings_say() -> None:
    options = gunicorn_config.options(settings_of(SAGEMAKER_BIND_TO_PORT="23001", SAGEMAKER_BATCH="True"))
    assert options["bind"] == "0.0.0.0:23001"
    assert (options["workers"], options["timeout"], options["graceful_timeout"]) == (2, 3600, 25)
    assert options["preload_app"] is True
    assert options["loglevel"] == "info"


def test_heartbeats_are_kept_where_files_can_be_made(tmp_path: Path) -> None:
    assert gunicorn_config.scratch_dir(tmp_path) == str(tmp_path)
    assert gunicorn_config.scratch_dir(tmp_path / "absent") != str(tmp_path / "absent")


def test_a_worker_that_cannot_forecast_stops_the_server_with_one_line(caplog: pytest.LogCaptureFixture) -> None:
    class Worker:
        class wsgi:
            extensions: dict[str, Any] = {"convect": None}  # noqa: RUF012 - never changed

    with pytest.raises(SystemExit) as caught:
        gunicorn_config.prove(Worker())
    assert caught.value.code == 3
    assert len(caplog.records) == 1
    assert "The model cannot forecast: AttributeError" in caplog.text


def test_a_failed_start_is_told_in_one_line() -> None:
    known = AlgorithmError("It\nfailed.", "Train again.")
    assert gunicorn_config.describe("x", known) == "AlgorithmError [algorithm]: It failed. Train again."
    line = gunicorn_config.describe("The model cannot be loaded", ValueError("item-4711\nb"))
    assert line.startswith("AlgorithmError [not_served]: The model cannot be loaded: ValueError at ")
    assert "item-4711" not in line
    assert "\n" not in line


def test_numeric_libraries_are_kept_to_one_thread() -> None:
    environment = {"OMP_NUM_THREADS": "8", "OTHER": "1"}
    program.one_thread(environment)
    assert environment["OMP_NUM_THREADS"] == environment["OPENBLAS_NUM_THREADS"] == "1"
    assert environment["OTHER"] == "1"


GB = 1 << 30


@pytest.mark.parametrize(
    ("memory", "model_bytes", "workers"),
    [(None, GB, 8), (64 * GB, 0, 8), (GB, 0, 6), (GB, 50 << 20, 2), (512 << 20, 0, 1), (1 << 20, GB, 1)],
)
def test_workers_fit_into_memory_beside_the_model(memory: int | None, model_bytes: int, workers: int) -> None:
    settings = Settings.from_environment({}, cpus=8)
    assert settings.fitting(model_bytes, memory, {}).workers == workers


def test_a_number_of_workers_that_was_chosen_stays() -> None:
    environment = {"MODEL_SERVER_WORKERS": "5"}
    assert Settings.from_environment(environment).fitting(GB, GB, environment).workers == 5


def test_the_models_of_a_multi_model_server_share_what_its_workers_leave() -> None:
    environment = {"SAGEMAKER_MULTI_MODEL": "True"}
    settings = Settings.from_environment(environment, cpus=2)
    assert settings.multi_model
    assert not Settings.from_environment({}).multi_model
    assert settings.models_budget(None) is None
    assert settings.models_budget(1000 << 20) == (900 - 300 - 2 * 100 << 20) // (4 * 2)
    assert settings.models_budget(1 << 20) == 0


def test_only_files_of_a_model_directory_count(tmp_path: Path) -> None:
    assert folder_bytes(tmp_path / "absent") == 0
    (tmp_path / "a").write_bytes(b"123")
    (tmp_path / "folder").mkdir()
    assert folder_bytes(tmp_path) == 3


def test_an_answer_is_given_up_before_the_platform_does() -> None:
    assert Settings(timeout_s=60).answer_s == 54


def test_the_sign_of_life_does_not_follow_a_short_time_out() -> None:
    assert gunicorn_config.options(Settings(timeout_s=1))["timeout"] == 30


def test_lost_counts_do_not_stop_the_server(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise OSError("item-4711")

    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", "absent")
    monkeypatch.setattr("convect.serving.metrics.fold", fail)
    gunicorn_config.keep_counts(None, SimpleNamespace(pid=1))
    assert "counts of a worker are lost: OSError" in caplog.text
    assert "item-4711" not in caplog.text
