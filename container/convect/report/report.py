"""`report.html` as training writes it: what is needed is gathered beside the tables, and a flaw costs no model."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from convect.pipeline import TrainResult
from convect.report.facts import facts_of, series_of
from convect.report.gathering import Gathered
from convect.report.page import render
from convect.training.refit import Refitted

FILE = "report.html"


class Report:
    """Takes the parts of the results as they come and writes the page at the end.

    A model that took hours must not be lost to a flaw of its page: the first one ends the page alone, and is said.
    """

    def __init__(self, say: Callable[[str], None] = print) -> None:
        self._say = say
        self._gathered: Gathered | None = None
        self._failed = False

    def add(self, result: TrainResult | Refitted) -> None:
        """Take the next part."""
        if self._failed:
            return
        with self._by_itself():
            self._gathered = self._gathered or Gathered(result.artifact.config.seed)
            self._gathered.add(result)

    def write(self, folder: Path, result: TrainResult | Refitted) -> None:
        """Write the page into the folder that holds the tables; `result` is the last part."""
        if self._failed or self._gathered is None:
            return
        with self._by_itself():
            page = render(facts_of(result, self._gathered, folder), series_of(result, self._gathered, folder))
            (folder / FILE).write_text(page, encoding="utf-8")

    @contextmanager
    def _by_itself(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # where it was is said, but no value of the data
            self._failed = True
            place = traceback.extract_tb(error.__traceback__)[-1]
            self._say(f"No {FILE}: {type(error).__name__} in {Path(place.filename).name}:{place.lineno}.")
