"""Results of units come back bit by bit, and nothing else comes back at all."""

from __future__ import annotations

import io
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from convect.models.local import Predictions
from convect.pipeline import setting_of
from convect.quality import validate
from convect.schema import Schema
from convect.training.learning import apply, learn
from convect.training.pooled import Window
from convect.training.portfolio import Budget
from convect.training.written import from_bytes, to_bytes
from tests.unit.made import fast, quiet, table


def same(one: Any, two: Any) -> None:
    assert type(one) is type(two)
    if isinstance(one, np.ndarray):
        assert (one.dtype, one.shape, one.tobytes()) == (two.dtype, two.shape, two.tobytes())
    elif is_dataclass(one):
        for field in fields(one):
            same(getattr(one, field.name), getattr(two, field.name))
    elif isinstance(one, dict):
        assert list(one) == list(two)
        for name, value in one.items():
            same(value, two[name])
    else:
        assert repr(one) == repr(two)


SHAPES = st.tuples(st.integers(0, 5), st.integers(0, 4))


@given(shape=SHAPES, seconds=st.floats(allow_nan=False), data=st.data())
def test_predictions_of_any_shape_come_back(shape: tuple[int, int], seconds: float, data: st.DataObject) -> None:
    origins, horizon = shape
    mean = data.draw(arrays.arrays(np.float64, (origins, horizon)))  # with NaN, infinity and minus zero
    spread = data.draw(arrays.arrays(np.float64, (origins, horizon, 2)))
    found = Predictions(mean, spread, data.draw(arrays.arrays(np.bool_, (origins,))), seconds)
    same(from_bytes(to_bytes(found)), found)


@given(texts=st.lists(st.text(), max_size=3), mean=arrays.arrays(np.float64, SHAPES))
def test_a_window_comes_back(texts: list[str], mean: np.ndarray[Any, Any]) -> None:
    found = Window(tuple(texts), mean, 0.1)
    same(from_bytes(to_bytes(found)), found)


def test_what_was_learnt_applied_comes_back() -> None:
    frame = table(4)
    panel, _ = validate(frame, Schema.complete(None, frame.columns), fast())
    lesson = learn(panel, setting_of(panel, fast()), executor=None, budget=Budget(), progress=quiet)
    found = apply(panel, lesson.learned, lesson.weights.models)
    same(from_bytes(to_bytes(found)), found)


@pytest.mark.parametrize("value", [np.array([{}], object), {1, 2}, test_a_window_comes_back], ids=repr)
def test_what_would_not_come_back_is_not_written(value: object) -> None:
    with pytest.raises(TypeError, match="is not kept"):
        to_bytes(value)


def test_no_other_class_and_no_pickle_is_read() -> None:
    buffer = io.BytesIO()
    np.savez(buffer, tree=np.array([{"anything": 1}], object))
    with pytest.raises(ValueError, match="allow_pickle"):
        from_bytes(buffer.getvalue())
    other = np.frombuffer(b'{"class": "Popen", "mapping": {}}', np.uint8)
    buffer = io.BytesIO()
    np.savez(buffer, tree=other)
    with pytest.raises(KeyError):
        from_bytes(buffer.getvalue())
