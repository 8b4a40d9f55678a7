"""A tracking server of this machine: started, asked for its runs, stopped; and what is said where it cannot be."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

from helpers import tracking


def test_a_server_keeps_runs_and_ends(tmp_path: Path) -> None:
    pytest.importorskip("mlflow")
    from mlflow import MlflowClient

    server = tracking.start_server(tmp_path)
    assert server is not None
    client = MlflowClient(server.uri)
    experiment = client.create_experiment("flights")
    for name, error in (("first", 0.5), ("second", 0.25)):
        run = client.create_run(experiment, run_name=name)
        client.log_param(run.info.run_id, "preset", "fast")
        client.log_metric(run.info.run_id, "validation:wQL", error)
    table = tracking.runs(server.uri, "flights")
    assert table["validation:wQL"].to_dict() == {"first": 0.5, "second": 0.25}
    assert table["preset"].tolist() == ["fast", "fast"]
    tracking.stop_server(server)
    tracking.stop_server(server)
    assert server.process.poll() is not None
    assert not tracking.answers(server.uri)


def test_without_mlflow_it_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    assert tracking.start_server(tmp_path / "none") is None
    tracking.stop_server(None)
    assert capsys.readouterr().out == "MLflow is not installed (pip install mlflow): the jobs are not tracked.\n"
    assert not (tmp_path / "none").exists()


def test_a_server_that_does_not_start_shows_its_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = [sys.executable, "-c", "raise SystemExit('the port is taken')"]
    monkeypatch.setattr(tracking, "command", lambda _folder, _port: broken)
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: object())
    with pytest.raises(RuntimeError, match=r"did not start\. The end of its log:\nthe port is taken"):
        tracking.start_server(tmp_path)
