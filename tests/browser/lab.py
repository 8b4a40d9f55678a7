"""Draws the README's picture of 00_quickstart, opened in JupyterLab as it is stored, outputs and all.

JupyterLab is installed into `build/jupyterlab` the first time: nothing else here needs its hundred packages.

Usage: python -m tests.browser.lab notebooks/images/quickstart.png
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
import venv
from collections.abc import Iterator
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parents[2]
LAB = "jupyterlab==4.6.6"
NEWS = "@jupyterlab/apputils-extension:announcements"  # asks before it asks the network
NOTEBOOK = "00_quickstart.ipynb"
HEADING = "5."  # of the section that is shown
WIDTH, HEIGHT = 1180, 900
COLOURS = 255  # half the bytes, and no difference to the eye
PATIENCE_S = 60


def program() -> Path:
    """Return the folder with JupyterLab's programs."""
    folder = ROOT / "build" / "jupyterlab"
    if not (folder / "bin" / "jupyter-lab").exists():
        venv.create(folder, with_pip=True)
        subprocess.run([folder / "bin" / "pip", "install", "--quiet", LAB], check=True)
    return folder / "bin"


@contextlib.contextmanager
def served(folder: Path, settings: Path) -> Iterator[str]:
    """Run JupyterLab over a folder, with settings of nobody; give its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    own = {f"JUPYTER_{name}_DIR": str(settings / name) for name in ("CONFIG", "DATA", "RUNTIME")}
    own |= {"JUPYTERLAB_SETTINGS_DIR": str(settings), "JUPYTERLAB_WORKSPACES_DIR": str(settings)}
    options = [
        "--no-browser",
        "--allow-root",
        f"--port={port}",
        "--IdentityProvider.token=",
        f"--notebook-dir={folder}",
    ]
    disabled = {"disabledExtensions": {NEWS: True}}
    (settings / "CONFIG" / "labconfig").mkdir(parents=True)
    (settings / "CONFIG" / "labconfig" / "page_config.json").write_text(json.dumps(disabled))
    command = [str(program() / "jupyter-lab"), *options]
    with subprocess.Popen(command, env={**os.environ, **own}, stderr=subprocess.DEVNULL) as server:
        try:
            address = f"http://127.0.0.1:{port}"
            until_it_answers(f"{address}/api")
            yield address
        finally:
            server.terminate()


def until_it_answers(url: str) -> None:
    limit = time.monotonic() + PATIENCE_S
    while time.monotonic() < limit:
        with contextlib.suppress(OSError), urllib.request.urlopen(url):
            return
        time.sleep(0.3)
    raise TimeoutError(f"{url} does not answer.")


def draw(address: str) -> bytes:
    """Draw the notebook from the heading on, without the list of files beside it."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"))
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light")
        page.goto(f"{address}/doc/tree/{NOTEBOOK}")
        heading = page.locator(".jp-MarkdownOutput h2", has_text=HEADING)
        heading.wait_for(timeout=1000 * PATIENCE_S)
        for _ in range(5):  # cells get their heights as they come into sight
            heading.evaluate("heading => heading.scrollIntoView()")
            page.wait_for_timeout(1000)
        drawn = page.screenshot()
        browser.close()
    return drawn


def main(picture: Path) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "notebooks"
        folder.mkdir()
        shutil.copy(ROOT / "notebooks" / NOTEBOOK, folder)
        with served(folder, Path(name) / "settings") as address:
            drawn = draw(address)
    Image.open(io.BytesIO(drawn)).quantize(COLOURS).save(picture, optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
