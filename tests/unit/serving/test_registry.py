"""The list of loaded models that all workers share."""

from __future__ import annotations

from pathlib import Path

import pytest

from convect.serving.registry import AlreadyLoaded, Entry, ModelNotFound, NoMemory, Registry


def entry(name: str, size: int = 1, loaded_ns: int = 0) -> Entry:
    return Entry(name, f"/models/{name}", size, loaded_ns)


def test_what_one_process_loads_another_sees(tmp_path: Path) -> None:
    one, other = Registry(tmp_path), Registry(tmp_path)
    before = other.version
    one.add(entry("b"))
    one.add(entry("a"))
    assert other.entries() == [entry("a"), entry("b")]
    assert other.find("a") == entry("a")
    assert other.version != before
    other.remove("a")
    assert one.entries() == [entry("b")]


def test_an_unknown_model_is_404(tmp_path: Path) -> None:
    registry = Registry(tmp_path)
    for ask in (registry.find, registry.remove):
        with pytest.raises(ModelNotFound) as caught:
            ask("a")
        assert caught.value.status == 404


def test_a_loaded_model_is_not_loaded_twice(tmp_path: Path) -> None:
    registry = Registry(tmp_path, budget=10)
    registry.add(entry("a"))
    with pytest.raises(AlreadyLoaded) as caught:
        registry.check_room("a", 100)
    assert caught.value.status == 409


def test_models_fit_until_memory_is_full(tmp_path: Path) -> None:
    registry = Registry(tmp_path, budget=10)
    registry.add(entry("a", 6))
    registry.check_room("b", 4)
    with pytest.raises(NoMemory) as caught:
        registry.check_room("b", 5)
    assert caught.value.status == 507
    registry.remove("a")
    registry.check_room("b", 5)


@pytest.mark.parametrize("name", ["../escape", "a/b", "é", "x" * 5000, ".", ""])
def test_any_name_is_a_safe_file(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "registry"
    folder.mkdir()
    Registry(folder).add(entry(name))
    assert Registry(folder).find(name).name == name
    assert [path.name for path in tmp_path.iterdir()] == ["registry"]
