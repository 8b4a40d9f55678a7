"""The addresses of a multi-model endpoint, over models that are stand-ins and directories that are real."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from flask.testing import FlaskClient

from convect.errors import PlatformError
from convect.schema import Schema
from convect.serving.models import Models
from convect.serving.registry import Registry
from convect.serving.server import make_app
from convect.serving.service import Service
from convect.serving.settings import Settings


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("a", "b", "c", "big"):
        folder = tmp_path / "models" / name / "model"
        folder.mkdir(parents=True)
        (folder / "manifest.json").write_text("x" * (90 if name == "big" else 10))
    (tmp_path / "elsewhere").mkdir()
    return tmp_path / "models"


@pytest.fixture
def client_of(root: Path, tmp_path: Path, artifact: Any, forecaster: Any) -> Callable[..., FlaskClient]:
    """Clients of two workers of one server, which share only the registry's folder."""
    (tmp_path / "registry").mkdir()

    def make(load: Callable[[Path], Any] = lambda folder: artifact) -> FlaskClient:
        registry = Registry(tmp_path / "registry", budget=100)
        models = Models(registry, root, lambda folder: Service(lambda: load(folder), forecaster))
        return make_app(lambda: None, Settings(multi_model=True), forecaster, models).test_client()

    return make


def load(client: FlaskClient, root: Path, name: str) -> int:
    return client.post("/models", json={"model_name": name, "url": str(root / name / "model")}).status_code


def names(client: FlaskClient) -> list[str]:
    listed = client.get("/models").json
    assert listed is not None
    return [model["modelName"] for model in listed["models"]]


def test_a_model_is_loaded_invoked_and_unloaded_through_any_worker(client_of: Any, root: Path) -> None:
    one, other = client_of(), client_of()
    assert load(one, root, "a") == 200
    assert names(other) == ["a"]
    assert other.get("/models/a").json == {"modelName": "a", "modelUrl": str((root / "a" / "model").resolve())}
    answer = other.post("/models/a/invoke", data="{}", content_type="application/json")
    assert answer.status_code == 200
    assert answer.text.startswith("item_id,timestamp,mean,")
    assert other.delete("/models/a").status_code == 200
    assert names(one) == []
    for response in (one.post("/models/a/invoke", data="{}"), one.get("/models/a"), one.delete("/models/a")):
        assert response.status_code == 404
        assert response.json["code"] == "model_not_found"


def test_a_loaded_model_is_409_and_one_too_many_507(client_of: Any, root: Path) -> None:
    one, other = client_of(), client_of()
    assert [load(one, root, "a"), load(other, root, "a")] == [200, 409]
    assert load(other, root, "b") == 200
    assert load(other, root, "big") == 507
    assert one.delete("/models/a").status_code == 200
    assert load(other, root, "big") == 200
    assert names(one) == ["b", "big"]


def test_an_unloaded_model_is_freed_in_every_worker_and_loaded_afresh(client_of: Any, root: Path) -> None:
    class Big:
        alive = 0

        def __init__(self, artifact: Any) -> None:
            self.schema, self.item_ids = artifact.schema, artifact.item_ids
            Big.alive += 1

        def __del__(self) -> None:
            Big.alive -= 1

    plain = SimpleNamespace(schema=Schema("timestamp", "target", ("item_id",)), item_ids=("a",))
    one, other = client_of(lambda _: Big(plain)), client_of(lambda _: Big(plain))
    load(one, root, "a")
    assert other.post("/models/a/invoke", data="{}").status_code == 200
    assert Big.alive == 2
    assert one.delete("/models/a").status_code == 200
    assert Big.alive == 1
    assert other.get("/ping").status_code == 200
    assert Big.alive == 0


def test_a_model_that_cannot_forecast_is_not_listed(client_of: Any, root: Path) -> None:
    def broken(folder: Path) -> Any:
        raise PlatformError("The artifact is damaged.", "Copy it again.")

    client = client_of(broken)
    assert load(client, root, "a") == 503
    assert names(client) == []


def test_a_model_beyond_memory_is_507(client_of: Any, root: Path) -> None:
    def huge(folder: Path) -> Any:
        raise MemoryError

    assert load(client_of(huge), root, "a") == 507


def test_the_list_comes_in_pages(client_of: Any, root: Path) -> None:
    client = client_of()
    for name in ("c", "a", "b"):
        assert load(client, root, name) == 200
    first = client.get("/models?limit=2").json
    assert [model["modelName"] for model in first["models"]] == ["a", "b"]
    rest = client.get(f"/models?limit=2&next_page_token={first['nextPageToken']}").json
    assert [model["modelName"] for model in rest["models"]] == ["c"]
    assert "nextPageToken" not in rest


@pytest.mark.parametrize("limit", ["0", "-1", "x", "1001", "²", "9" * 99])
def test_a_page_has_a_size_that_can_be(client_of: Any, limit: str) -> None:
    assert client_of().get("/models", query_string={"limit": limit}).status_code == 400


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../a", "a/b", "a b", "é", "x" * 257, "-a", 7, None, ["a"], "a\n", "a\0"]
)
def test_a_hostile_name_is_refused(client_of: Any, root: Path, name: object) -> None:
    client = client_of()
    answer = client.post("/models", json={"model_name": name, "url": str(root / "a" / "model")})
    assert answer.status_code == 400
    assert names(client) == []


@pytest.mark.parametrize(
    "url",
    [
        "/", "/etc", "", ".", "a/model", "{root}", "{root}/../elsewhere", "{root}/a/../../elsewhere", "{root}/absent",
        "{root}/a/model/manifest.json", "{root}/link", "{root}-other", "{root}/a/\0", "s3://bucket/a", "x" * 5000, 7,
        None, "{root}/" + "a" * 300,
    ],
)  # fmt: skip
def test_a_hostile_url_is_refused_in_the_same_words(client_of: Any, root: Path, url: object) -> None:
    (root / "link").symlink_to(root.parent / "elsewhere")
    (root.parent / "models-other").mkdir()
    text = url.replace("{root}", str(root)) if isinstance(url, str) else url
    answer = client_of().post("/models", json={"model_name": "a", "url": text})
    assert answer.status_code == 400
    assert answer.json["message"] == "The url is no model directory."


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"7", b"{}", b'{"model_name": "a"}', b"\xff", b"[" * 100_000])
def test_a_body_that_names_no_model_is_refused(client_of: Any, body: bytes) -> None:
    assert client_of().post("/models", data=body, content_type="application/json").status_code == 400


@pytest.mark.parametrize(
    "path", ["/models/%2e%2e/invoke", "/models/..%2fa/invoke", "/models//invoke", "/models/a%00/invoke"]
)
def test_a_hostile_path_finds_nothing(client_of: Any, root: Path, path: str) -> None:
    client = client_of()
    load(client, root, "a")
    assert client.post(path, data="{}").status_code in (400, 404, 405)


def test_it_is_ready_without_a_model_and_has_no_other_invocations(client_of: Any) -> None:
    client = client_of()
    assert client.get("/ping").status_code == 200
    assert client.post("/invocations", data="{}").status_code == 404


def test_a_server_of_one_model_has_no_models(artifact: Any, forecaster: Any) -> None:
    client = make_app(lambda: artifact, Settings(), forecaster).test_client()
    assert client.get("/models").status_code == 404
    assert json.loads(client.get("/models").data)["code"] == "not_found"
