"""Draws the README's picture of report.html: the example data trained on, its page opened in Chromium.

Usage: python -m tests.browser notebooks/images/report.png
"""

from __future__ import annotations

import io
import shutil
import sys
import tempfile
from pathlib import Path

import pandas as pd
from PIL import Image
from playwright.sync_api import sync_playwright

from convect import pipeline
from convect.report.report import Report
from tests.unit.made import fast, quiet

DEPARTURES = Path(__file__).resolve().parents[2] / "data" / "daily_departures.csv"
WIDTH, HEIGHT = 1360, 1060
COLOURS = 255  # half the bytes, and no difference to the eye


def write_page(folder: Path) -> Path:
    """Train on the departures and write the page of it."""
    result = pipeline.train(pd.read_csv(DEPARTURES), fast(horizon=14, preset="balanced"), progress=quiet)
    report = Report()
    report.add(result)
    report.write(folder, result)
    return folder / "report.html"


def draw(page: Path, picture: Path) -> None:
    """Draw the upper part of the page."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"))
        opened = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light")
        opened.goto(page.as_uri())
        drawn = opened.screenshot()
        browser.close()
    Image.open(io.BytesIO(drawn)).quantize(COLOURS).save(picture, optimize=True)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        draw(write_page(Path(folder)), Path(sys.argv[1]))
