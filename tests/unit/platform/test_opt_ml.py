from __future__ import annotations

import json
from pathlib import Path

import pytest

from convect.errors import AlgorithmError, ConfigError, DataError, PlatformError
from convect.platform.opt_ml import Hosts, OptML, failure_text


def put(base: Path, name: str, content: object) -> None:
    path = base / "input" / "config" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")


# --- paths


def test_the_base_is_read_from_the_environment_at_call() -> None:
    assert OptML.from_environment({"SAGEMAKER_BASE_DIR": "/a/b"}) == OptML(Path("/a/b"))
    assert OptML.from_environment({}) == OptML.from_environment({"SAGEMAKER_BASE_DIR": ""}) == OptML()
    assert OptML().base == Path("/opt/ml")


def test_the_tree() -> None:
    tree = OptML(Path("/x"))
    assert tree.model_dir == Path("/x/model")
    assert tree.output_data_dir == Path("/x/output/data")
    assert tree.failure_path == Path("/x/output/failure")
    assert tree.checkpoint_dir == Path("/x/checkpoints")
    assert tree.channel_dir("train") == Path("/x/input/data/train")


def test_looking_creates_nothing(tmp_path: Path) -> None:
    tree = OptML(tmp_path / "ml")
    assert (tree.hyperparameters(), tree.channels(), tree.hosts()) == ({}, {}, Hosts())
    assert list(tmp_path.iterdir()) == []


# --- hyperparameters


def test_hyperparameters_as_they_are(tmp_path: Path) -> None:
    put(tmp_path, "hyperparameters.json", {"horizon": "14", "freq": '"D"', "empty": ""})
    assert OptML(tmp_path).hyperparameters() == {"horizon": "14", "freq": '"D"', "empty": ""}


def test_values_of_a_hand_made_file_become_json_text(tmp_path: Path) -> None:
    put(tmp_path, "hyperparameters.json", {"horizon": 14, "quantiles": [0.1], "freq": None})
    assert OptML(tmp_path).hyperparameters() == {"horizon": "14", "quantiles": "[0.1]", "freq": "null"}


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ('{"horizon": ', "UserError [config]: input/config/hyperparameters.json is not valid JSON. "),
        ("[]", "UserError [config]: input/config/hyperparameters.json does not hold a JSON object. "),
    ],
)
def test_malformed_hyperparameters(tmp_path: Path, content: str, expected: str) -> None:
    put(tmp_path, "hyperparameters.json", content)
    with pytest.raises(ConfigError) as caught:
        OptML(tmp_path).hyperparameters()
    assert str(caught.value) == f"{expected}Correct or remove the file."


def test_a_config_file_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "input" / "config" / "hyperparameters.json").mkdir(parents=True)
    with pytest.raises(PlatformError) as caught:
        OptML(tmp_path).hyperparameters()
    assert str(caught.value) == (
        "PlatformError [opt_ml]: input/config/hyperparameters.json cannot be read: Is a directory. "
        "Check the permissions and the disk."
    )


# --- channels


def test_channels_are_those_of_the_config_and_never_a_listing(tmp_path: Path) -> None:
    put(tmp_path, "inputdataconfig.json", {"train": {"TrainingInputMode": "File"}, "related": None})
    (tmp_path / "input" / "data" / "stray").mkdir(parents=True)
    (tmp_path / "input" / "data" / "train-manifest").write_text("x")
    assert OptML(tmp_path).channels() == {"related": {}, "train": {"TrainingInputMode": "File"}}


def test_without_a_config_the_channels_are_the_folders(tmp_path: Path) -> None:
    for name in ("train", "related", ".cache", "_tmp"):
        (tmp_path / "input" / "data" / name).mkdir(parents=True)
    (tmp_path / "input" / "data" / "train-manifest").write_text("x")
    assert OptML(tmp_path).channels() == {"related": {}, "train": {}}


def test_malformed_channels_are_the_platforms(tmp_path: Path) -> None:
    put(tmp_path, "inputdataconfig.json", "x")
    with pytest.raises(PlatformError, match=r"inputdataconfig\.json is not valid JSON"):
        OptML(tmp_path).channels()


# --- hosts


def test_hosts_of_a_real_job(tmp_path: Path) -> None:
    content = {
        "current_host": "algo-2",
        "hosts": ["algo-1", "algo-2"],
        "network_interface_name": "eth0",
        "topology": None,
    }
    put(tmp_path, "resourceconfig.json", content)
    assert OptML(tmp_path).hosts() == Hosts("algo-2", ("algo-1", "algo-2"))
    assert (OptML(tmp_path).hosts().rank, OptML(tmp_path).hosts().leader) == (1, "algo-1")


def test_without_a_config_there_is_one_host(tmp_path: Path) -> None:
    assert (OptML(tmp_path).hosts().names, OptML(tmp_path).hosts().rank) == (("algo-1",), 0)


@pytest.mark.parametrize("content", [{}, {"current_host": "b", "hosts": ["a"]}, {"current_host": "a", "hosts": "a"}])
def test_malformed_hosts(tmp_path: Path, content: dict[str, object]) -> None:
    put(tmp_path, "resourceconfig.json", content)
    with pytest.raises(PlatformError) as caught:
        OptML(tmp_path).hosts()
    assert str(caught.value) == (
        "PlatformError [opt_ml]: input/config/resourceconfig.json does not list current_host among hosts. "
        "Correct or remove the file."
    )


# --- failure


def raised(error: BaseException) -> BaseException:
    try:
        raise error
    except BaseException as caught:
        return caught


def test_a_user_error_is_one_line(tmp_path: Path) -> None:
    OptML(tmp_path).write_failure(raised(DataError("Column 'y' holds text.", "Give numbers.")))
    assert (tmp_path / "output" / "failure").read_text() == "UserError [data]: Column 'y' holds text. Give numbers.\n"


@pytest.mark.parametrize(
    ("error", "first"),
    [
        (AlgorithmError("The fit failed.", "Report it."), "AlgorithmError [algorithm]: The fit failed. Report it."),
        (
            ValueError("a\nb"),
            "AlgorithmError [unexpected]: Unexpected ValueError: a b. Report it with the lines below.",
        ),
        (
            OSError(28, "No space left on device"),
            "PlatformError [platform]: The disk or memory failed: OSError: [Errno 28] No space left on device. "
            "Use a larger instance or volume.",
        ),
        (
            KeyboardInterrupt(),
            "AlgorithmError [unexpected]: Unexpected KeyboardInterrupt. Report it with the lines below.",
        ),
    ],
)
def test_any_other_error_has_its_traceback_below(error: BaseException, first: str) -> None:
    lines = failure_text(raised(error)).splitlines()
    assert lines[:3] == [first, "", "Traceback (most recent call last):"]
    assert any("in raised" in line for line in lines)


def test_a_long_sentence_is_cut_at_what_the_platform_shows() -> None:
    first = failure_text(DataError("x" * 5000, "The remedy.")).splitlines()[0]
    assert len(first) == 1024
    assert first.endswith("xxx...")


def test_the_newest_failure_counts(tmp_path: Path) -> None:
    for text in ("a longer first text", "b"):
        OptML(tmp_path).write_failure(DataError(text))
    assert (tmp_path / "output" / "failure").read_text() == "UserError [data]: b\n"


def test_writing_never_raises(tmp_path: Path) -> None:
    (tmp_path / "output").write_text("a file where the folder should be")
    OptML(tmp_path).write_failure(DataError("x"))
    OptML(tmp_path / "other").write_failure(DataError("\udcff"))  # no UTF-8 for it
    assert (tmp_path / "other" / "output" / "failure").read_text() == "UserError [data]: ?\n"
