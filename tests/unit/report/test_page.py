"""The page as a file: one piece, nothing from elsewhere, everything escaped, small."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from convect.report import facts
from convect.report.gathering import Gathered
from convect.report.kept import Kept, history_room
from convect.report.page import STATIC, render
from tests.unit.report.made_report import HOSTILE, data_of, explain, gathered_of, trained, written

MOST_BYTES = 3_000_000


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("page")
    explain(trained(), folder)
    return written(trained(), folder)


class Elements(HTMLParser):
    """All elements with their attributes, and the texts of scripts and styles."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.open = ""
        self.inside: dict[str, list[str]] = {"script": [], "style": []}
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

        self.open = tag
        if tag in self.inside:
            self.inside[tag].append("")

    def handle_endtag(self, tag: str) -> None:
        self.open = ""

    def handle_data(self, data: str) -> None:
        if self.open in self.inside:
            self.inside[self.open][-1] += data


def hash_of(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def test_only_the_page_s_own_scripts_and_style_may_run(page: str) -> None:
    found = Elements(page)
    (policy,) = [a["content"] or "" for tag, a in found.found if a.get("http-equiv") == "Content-Security-Policy"]
    rules = {rule.split()[0]: rule.split()[1:] for rule in policy.split("; ")}
    scripts = found.inside["script"][1:]  # the first is data
    assert rules["default-src"] == rules["base-uri"] == rules["form-action"] == ["'none'"]
    assert rules["script-src"] == [hash_of(text) for text in scripts]
    assert rules["style-src"] == [hash_of(text) for text in found.inside["style"]]
    assert len(scripts) == 2


def test_nothing_is_loaded_from_anywhere_and_nothing_is_styled_or_handled_inline(page: str) -> None:
    for tag, attributes in Elements(page).found:
        assert tag not in {"link", "img", "iframe", "object", "embed", "base", "form"}
        assert not {name for name in attributes if name in ("src", "style", "srcset") or name.startswith("on")}
        assert (attributes.get("href") or "#").startswith("#")


def test_every_name_reaches_the_page_and_none_as_markup(page: str) -> None:
    assert {one["id"] for one in data_of(page)["series"]} >= set(HOSTILE)
    for text in ("<img", "</script><script>alert", "<b>0", "<i>price", "\u2028"):
        assert text not in page
    assert "&lt;b&gt;0" in page  # a static attribute, in the tables by group
    assert "&lt;i&gt;price" in page


def test_explanations_and_effects_are_shown_where_they_are(page: str, tmp_path: Path) -> None:
    for one in data_of(page)["series"]:
        np.testing.assert_allclose(one["parts"]["level"], 0.9 * np.array(one["fan"][0]), rtol=1e-3)
    assert "What covariates do" in page
    plain = written(trained(), tmp_path)
    assert "What covariates do" not in plain
    assert not any(one["parts"] for one in data_of(plain)["series"])


def test_flags_are_those_of_the_data_check_and_of_the_backtest(page: str) -> None:
    data = data_of(page)
    flags = {one["id"]: one["flags"] for one in data["series"]}
    assert "constant" in flags["i5"]
    assert "gap" in flags["i6"]
    assert "short" in flags["i7"]
    for name, flag in data["flags"].items():
        assert flag["count"] == sum(name in found for found in flags.values())
    for one in data["series"]:
        assert "worse" not in one["flags"] or one["naive"] > 1  # the one that never changes has no naive error


def copies(one: Kept, count: int) -> list[Kept]:
    rng = np.random.default_rng(0)
    values = rng.gamma(2.0, 5_000.0, (count, 840))
    return [
        replace(one, item=f"item_{place:06}", values=row, observed=np.ones(840, bool), ends=one.ends + 700)
        for place, row in enumerate(values)
    ]


def test_a_thousand_series_with_long_histories_stay_below_three_megabytes(tmp_path: Path) -> None:
    found = gathered_of(trained())
    longest = max(found.kept, key=lambda one: len(one.ends))
    wide = replace(longest, fan=longest.fan * 7.7, naive=longest.naive * 7.77)
    found.kept = copies(wide, 1_000)
    page = render(facts.facts_of(trained(), found, tmp_path), facts.series_of(trained(), found, tmp_path))
    assert 1_000_000 < len(page.encode()) < MOST_BYTES
    rows = history_room(1_000, 6, len(longest.ends), len(trained().artifact.weights.models))
    assert {len(one["y"]) for one in data_of(page)["series"]} == {rows}


def test_a_training_without_any_window_has_a_page_too(tmp_path: Path) -> None:
    result = replace(trained(), backtest=trained().backtest.head(0))
    empty = result.leaderboard.assign(MASE=np.nan)
    page = written(replace(result, leaderboard=empty, coverage=result.coverage.head(0)), tmp_path)
    assert "too short for a backtest" in page
    assert 'id="models"' not in page
    assert all(one["error"] is None and not one["windows"] for one in data_of(page)["series"])


def test_series_with_most_error_come_first() -> None:
    found = facts.series_of(trained(), gathered_of(trained()), Path("nowhere"))
    order = [one["id"] for one in found["series"]]
    errors = {one.item: one.error for one in gathered_of(trained()).kept}
    assert order == sorted(errors, key=lambda item: (-errors[item], item))


def test_the_chart_library_is_the_one_that_the_table_names() -> None:
    folder = STATIC / "vendor"
    rows = dict(re.findall(r"\| `(.+?)` \|.*`([0-9a-f]{64})` \|", (folder / "README.md").read_text(encoding="utf-8")))
    names = {path.name for path in folder.iterdir()} - {"README.md"}
    assert rows == {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in names}


def test_an_empty_gathering_holds_nothing() -> None:
    assert Gathered().groups.empty
