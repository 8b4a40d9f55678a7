"""Units of work that differ in anything have different names, those that do not, the same."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import lightgbm as lgb
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convect.models.local import Task
from convect.models.table import series_table
from convect.training import fingerprint as module
from convect.training.fingerprint import fingerprint
from tests.unit.made import fast, panel_of, wave

TASK = Task("Theta", [np.arange(4.0), np.arange(3.0)], [[3, 4], [3]], 2, (7,))


def test_equal_work_has_one_name() -> None:
    again = Task("Theta", [np.arange(4.0), np.arange(3.0)], [[3, 4], [3]], 2, (7,))
    assert fingerprint("forecast", TASK) == fingerprint("forecast", again)
    assert fingerprint(frozenset({"a", "b", "c"})) == fingerprint(frozenset({"c", "b", "a"}))


OTHERS: dict[str, dict[str, Any]] = {
    "model": {"model": "Naive"},
    "one bit": {"histories": [np.array([0.0, 1.0, 2.0, np.nextafter(3.0, 4)]), np.arange(3.0)]},
    "minus zero": {"histories": [np.array([-0.0, 1.0, 2.0, 3.0]), np.arange(3.0)]},
    "cut elsewhere": {"histories": [np.arange(3.0), np.arange(4.0)]},
    "ends": {"ends": [[3], [4, 3]]},
    "horizon": {"horizon": 3},
    "seasons": {"seasons": ()},
}


@pytest.mark.parametrize("change", OTHERS.values(), ids=list(OTHERS))
def test_other_work_has_another_name(change: dict[str, Any]) -> None:
    assert fingerprint("forecast", replace(TASK, **change)) != fingerprint("forecast", TASK)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3) | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=3).map(tuple) | st.dictionaries(st.text(max_size=2), inner, max_size=2),
    max_leaves=6,
)


@given(one=VALUES, two=VALUES)
def test_names_are_equal_only_where_values_are(one: Any, two: Any) -> None:
    assert (fingerprint(one) == fingerprint(two)) == (repr(one) == repr(two))


def test_a_panel_a_table_and_a_booster_have_names() -> None:
    panel = panel_of(wave(30, 7), wave(30, 7, seed=1))
    found = [series_table(panel, horizon, (7,), ()) for horizon in (3, 3, 4)]
    names = [fingerprint(one) for one in found]
    assert (names[0] == names[1], names[0] == names[2]) == (True, False)
    assert fingerprint(panel) != fingerprint(replace(panel, item_ids=panel.item_ids[::-1]))
    assert fingerprint(fast()) != fingerprint(fast(seed=1))
    x = np.random.default_rng(0).normal(size=(100, 2))
    one, two = (lgb.train({"verbosity": -1, "seed": 1}, lgb.Dataset(x, x[:, k]), 2) for k in (0, 1))
    assert fingerprint(one) != fingerprint(two)
    assert fingerprint(one) == fingerprint(lgb.Booster(model_str=one.model_to_string()))


def test_another_version_has_other_names(monkeypatch: pytest.MonkeyPatch) -> None:
    before = fingerprint(1)
    module._versions.cache_clear()
    monkeypatch.setattr(module, "FORMAT", module.FORMAT + 1)
    try:
        assert fingerprint(1) != before
    finally:
        module._versions.cache_clear()


def test_what_has_no_content_has_no_name() -> None:
    with pytest.raises(TypeError, match="No fingerprint"):
        fingerprint(object())
