"""Chromium, and a page of `report.html` in it that watches for errors and for anything asked of the network."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.unit.report.made_report import explain, trained, written


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium. Where there is none the test is skipped; in CI that is a failure."""
    program = shutil.which("chromium")
    if program is None and os.environ.get("CI") == "true":
        pytest.fail("Chromium is needed in CI.", pytrace=False)
    if program is None:
        pytest.skip("chromium is not installed; `make browser` installs it")
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=program)
        yield found
        found.close()


@pytest.fixture(scope="session")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a training whose names are hostile, explained."""
    folder = tmp_path_factory.mktemp("report")
    explain(trained(), folder)
    written(trained(), folder)
    return folder / "report.html"


@pytest.fixture
def page(browser: Browser, report: Path) -> Iterator[Page]:
    """The page, opened. At its end nothing may have failed, been said to the console or left for the network."""
    context = browser.new_context(
        viewport={"width": 1360, "height": 900}, locale="en-GB", timezone_id="America/New_York"
    )
    opened = context.new_page()
    told: list[str] = []
    asked: list[str] = []
    opened.on("console", lambda message: told.append(message.text))
    opened.on("pageerror", lambda error: told.append(str(error)))
    opened.on("dialog", lambda dialog: told.append(dialog.message))
    opened.on("request", lambda request: asked.append(request.url))
    opened.goto(report.as_uri())
    yield opened
    context.close()
    assert told == []
    assert asked == [report.as_uri()]
