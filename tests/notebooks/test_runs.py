"""The notebooks run as a job runs them: other data, other parameters; what must fail fails.

As a reader runs them, from top to bottom with their own parameters, nbmake does: `pytest --nbmake notebooks`.
"""

from __future__ import annotations

import ast
import json
import shutil
import subprocess
import sys
from pathlib import Path

import botocore.session
import nbformat
import pandas as pd
import papermill
import pytest
from botocore.validate import ParamValidator
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from tests.notebooks.harness import NOTEBOOKS, parameters_of, run
from tests.notebooks.refresh import NO_ENGINE
from tests.notebooks.remote import notebook, outputs_of

MONTHLY = {
    "DATA": "../data/monthly_employment.csv",
    "FREQ": "MS",
    "HORIZON_STEPS": 12,
    "SEASON_STEPS": 12,
    "ITEM": "manufacturing",
    "PRESET": "fast",
}


def last_cell_twice(name: str, folder: Path) -> Path:
    """A copy of a notebook whose last cell comes twice: what cleans up may be run again."""
    notebook = nbformat.read(NOTEBOOKS / name, as_version=4)
    notebook["cells"].append(new_code_cell(notebook["cells"][-1]["source"]))
    nbformat.write(notebook, folder / name)
    return folder / name


@pytest.fixture(autouse=True)
def no_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is run here is run as processes, also on a machine with Docker; `test_with_docker` has the containers."""
    monkeypatch.setenv("DOCKER_HOST", NO_ENGINE)


def test_the_quickstart_runs_on_monthly_data(tmp_path: Path) -> None:
    out = tmp_path / "out"
    run(last_cell_twice("00_quickstart.ipynb", tmp_path), tmp_path / "run.ipynb", {**MONTHLY, "OUTPUT_DIR": str(out)})
    history = pd.read_csv(NOTEBOOKS.parent / "data/monthly_employment.csv", parse_dates=["timestamp"])
    forecasts = pd.read_csv(out / "forecasts.csv", parse_dates=["timestamp"])
    assert set(forecasts["item_id"]) == set(history["item_id"])
    held_out = sorted(history["timestamp"].unique())[-12:]
    for _, rows in forecasts.groupby("item_id"):
        assert rows["timestamp"].tolist() == held_out
        assert (rows["0.1"] <= rows["0.5"]).all()
        assert (rows["0.5"] <= rows["0.9"]).all()
    leaderboard = pd.read_csv(out / "leaderboard.csv").set_index("model")
    assert leaderboard.loc["Ensemble", "MASE"] < 0.9 * leaderboard.loc["SeasonalNaive", "MASE"]
    assert (out / "forecast.png").read_bytes().startswith(b"\x89PNG")
    assert not (out / "work").exists()  # it has cleaned up, twice
    assert "tarjet" in outputs_of(tmp_path / "run.ipynb")


def test_local_training_runs_with_another_horizon(tmp_path: Path) -> None:
    changed = {"HORIZON_STEPS": 7, "ITEM": "JFK/B6", "OUTPUT_DIR": str(tmp_path / "out")}
    run(last_cell_twice("02_local_training.ipynb", tmp_path), tmp_path / "run.ipynb", changed)
    said = outputs_of(tmp_path / "run.ipynb")
    assert '"horizon": "7"' in said
    assert "JFK/B6" in said
    assert "Did you mean 'horizon'?" in said
    assert said.endswith("['endpoint', 'endpoint_config', 'model']\n[]\n")
    assert not (tmp_path / "out").exists()


def test_a_model_is_operated_with_another_change(tmp_path: Path) -> None:
    changed = {
        "HORIZON_STEPS": 7,
        "CHANGED_GROUP": "EWR",
        "KEPT_SHARE": 0.5,
        "ITEM": "EWR/UA",
        "TRAINED_TO": "2013-10-01",
    }
    path = last_cell_twice("09_operate.ipynb", tmp_path)
    run(path, tmp_path / "run.ipynb", {**changed, "OUTPUT_DIR": str(tmp_path / "out")})
    said = outputs_of(tmp_path / "run.ipynb")
    assert "airport EWR: the error is" in said
    assert "Decide · Succeeded · False" in said
    assert "Decide · Succeeded · True\nTrain · Succeeded\nRegister · Succeeded\n" in said
    assert said.endswith("endpoint endpoint_config model endpoint_config model\nTrue 2\n\nFalse 0\n")
    assert not (tmp_path / "out").exists()


def test_other_settings_are_tuned_by_another_number(tmp_path: Path) -> None:
    changed = {"CHOICES": {"missing": ["zero", "mean"], "preset": ["fast"]}, "OBJECTIVE": "validation:MASE"}
    airport = {"ITEMS": "JFK/", "ITEM": "JFK/B6", "HORIZON_STEPS": 7, "OUTPUT_DIR": str(tmp_path / "out")}
    run(last_cell_twice("06_tune_and_track.ipynb", tmp_path), tmp_path / "run.ipynb", {**changed, **airport})
    said = outputs_of(tmp_path / "run.ipynb")
    assert "local x 2: about 4 min" in said
    assert "2 Completed\n" in said
    assert "validation:MAPE is not among the metric definitions" in said
    assert said.endswith("0 files removed\n")
    assert not (tmp_path / "out").exists()


def test_files_of_other_services_say_the_same_of_other_series(tmp_path: Path) -> None:
    out = tmp_path / "out"
    series = {"ITEMS": ["EWR/UA", "JFK/AA", "LGA/AA"], "ITEM": "LGA/AA", "HORIZON_STEPS": 7, "SEED": 1}
    path = last_cell_twice("07_bring_your_data.ipynb", tmp_path)
    run(path, tmp_path / "run.ipynb", {**series, "KEEP_FILES": True, "OUTPUT_DIR": str(out)})
    model = botocore.session.get_session().get_service_model("forecast")
    shape = model.operation_model("CreateDataset").input_shape
    for channel in ("train", "related", "static"):  # a dataset group as that service documents it
        dataset = json.loads((out / "amazon_forecast" / channel / "dataset.json").read_text())
        report = ParamValidator().validate(dataset, shape)
        assert not report.has_errors(), report.generate_report()
        rows = pd.read_csv(out / "amazon_forecast" / channel / "rows.csv", header=None)
        assert rows.shape[1] == len(dataset["Schema"]["Attributes"])
    said = {form: pd.read_csv(next(out.glob(f"output/{form}/**/forecasts.csv"))) for form in ("known", "deepar")}
    pd.testing.assert_frame_equal(said["known"], said["deepar"])
    assert "Did you mean 'horizon'?" in outputs_of(tmp_path / "run.ipynb")


def test_the_makefile_s_demo_finds_what_it_names() -> None:
    parameters = parameters_of(NOTEBOOKS / "00_quickstart.ipynb")
    assert set(MONTHLY) < set(parameters)
    assert parameters["OUTPUT_DIR"] == '"../build/demo"'


def test_building_nothing_shows_what_would_be_built(tmp_path: Path) -> None:
    path, out = last_cell_twice("01_build_and_push.ipynb", tmp_path), {"OUTPUT_DIR": str(tmp_path / "out")}
    run(path, tmp_path / "run.ipynb", {**out, "NAME": "mine", "CONTEXT": str(NOTEBOOKS.parent / "container")})
    said = outputs_of(tmp_path / "run.ipynb")
    assert '"create_repository": {"repositoryName": "mine"' in said
    assert '"privilegedMode": true' in said
    assert "No Docker engine answers. Start Docker, or build without it: image.build_remotely." in said
    assert not (tmp_path / "out").exists()


def test_building_without_an_engine_ends_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(papermill.PapermillExecutionError, match="Start Docker, or build without it"):
        run(notebook("01_build_and_push"), tmp_path / "1.ipynb", {"BUILD": True, "OUTPUT_DIR": str(tmp_path)})


def test_accuracy_reads_the_tables_of_another_measurement(tmp_path: Path) -> None:
    committed = NOTEBOOKS.parent / "bench" / "results"
    shutil.copy(committed / "growth.csv", tmp_path)
    accuracy = pd.read_csv(committed / "accuracy.csv")
    accuracy[accuracy["method"].isin(["Convect fast", "SeasonalNaive"])].to_csv(tmp_path / "accuracy.csv", index=False)
    run(NOTEBOOKS / "08_accuracy.ipynb", tmp_path / "run.ipynb", {"RESULTS": str(tmp_path), "CLOSE_UP": "Convect fast"})
    said = outputs_of(tmp_path / "run.ipynb")
    assert "Convect fast" in said
    assert "AutoETS" not in said.replace("SeasonalNaive AutoETS", "")  # the command for measuring again still names it


def names_in_runs() -> set[str]:
    """The texts in the calls of `run` of the tests in this folder, and in what their parametrisation gives them."""
    found: set[str] = set()
    for path in Path(__file__).parent.glob("test_*.py"):
        for function in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            calls = [node for node in ast.walk(function) if isinstance(node, ast.Call)]
            if isinstance(function, ast.FunctionDef) and any(getattr(call.func, "id", "") == "run" for call in calls):
                found |= {node.value for node in ast.walk(function) if isinstance(node, ast.Constant)}
    return {text.removesuffix(".ipynb") for text in found if isinstance(text, str)}


@pytest.mark.parametrize("path", sorted(NOTEBOOKS.glob("*.ipynb")), ids=lambda path: path.stem)
def test_every_notebook_is_run_by_papermill_too(path: Path) -> None:
    assert path.stem in names_in_runs()  # with its defaults nbmake runs it: see test_shape


def test_an_unknown_parameter_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"00_quickstart\.ipynb has no parameter HORIZON; it has DATA, FREQ"):
        run(NOTEBOOKS / "00_quickstart.ipynb", tmp_path / "run.ipynb", {"HORIZON": 3})


def test_a_notebook_without_parameters_is_an_error(tmp_path: Path) -> None:
    nbformat.write(new_notebook(cells=[new_code_cell("x = 1")]), tmp_path / "bare.ipynb")
    with pytest.raises(ValueError, match="has no cell tagged 'parameters'"):
        run(tmp_path / "bare.ipynb", tmp_path / "run.ipynb", {"X": 1})


@pytest.fixture
def canary(tmp_path: Path) -> Path:
    """A notebook that must fail, after the imports that once made nbmake blind to it."""
    imports = (
        f"import sys\nsys.path.insert(0, {str(NOTEBOOKS.parent)!r})\nfrom helpers import account, jobs, plots, tables"
    )
    cells = [
        new_markdown_cell("# Canary"),
        new_code_cell("SHOULD = 1", metadata={"tags": ["parameters"]}),
        new_code_cell(imports),
        new_code_cell("assert SHOULD == 2, 'the canary sings'"),
    ]
    path = tmp_path / "canary.ipynb"
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(new_notebook(cells=cells, metadata=kernel), path)
    return path


def test_a_failing_notebook_fails_by_papermill(canary: Path, tmp_path: Path) -> None:
    with pytest.raises(papermill.PapermillExecutionError, match="the canary sings"):
        run(canary, tmp_path / "run.ipynb", {})
    run(canary, tmp_path / "run.ipynb", {"SHOULD": 2})


def test_a_failing_notebook_fails_by_nbmake(canary: Path) -> None:
    command = [sys.executable, "-m", "pytest", "--nbmake", "-p", "no:cacheprovider", "-c", "/dev/null", str(canary)]
    done = subprocess.run(command, cwd=canary.parent, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "the canary sings" in done.stdout
    assert "1 failed" in done.stdout
