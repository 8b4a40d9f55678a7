"""The page put together: one file without a link to anywhere, in which nothing runs but the page's own script."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from convect.report import words
from convect.report.encoding import embedded

STATIC = Path(__file__).parent / "static"
STYLES = ("vendor/uPlot.min.css", "page.css")
SCRIPTS = ("dom.js", "numbers.js", "spark.js", "chart.js", "parts.js", "detail.js", "list.js", "main.js")
CHARTS = "vendor/uPlot.iife.min.js"


def render(facts: Mapping[str, Any], series: Mapping[str, Any]) -> str:
    """Return the page: `facts` are what the template tells, escaped; `series` is what its script reads."""
    style = "\n".join(_read(name) for name in STYLES)
    charts, script = _read(CHARTS), _script()
    environment = Environment(loader=FileSystemLoader(STATIC), autoescape=True, undefined=StrictUndefined)
    environment.trim_blocks = environment.lstrip_blocks = True
    environment.filters |= {"percent": words.percent, "figure": words.figure, "ratio": words.ratio}
    return environment.get_template("page.html").render(
        **facts,
        policy=_policy([charts, script], [style]),
        style=Markup(style),  # noqa: S704 - these four are the page's own files, and JSON without < and >
        charts=Markup(charts),  # noqa: S704
        script=Markup(script),  # noqa: S704
        series=Markup(embedded(series)),  # noqa: S704
    )


def _script() -> str:
    """The page's own script: its files one after the other, in a scope of their own."""
    return "(() => {\n'use strict';\n" + "\n".join(_read(name) for name in SCRIPTS) + "})();"


def _policy(scripts: list[str], styles: list[str]) -> str:
    """The content security policy: nothing is loaded, and nothing runs or colours but what has one of these hashes."""
    sources = {"default-src": ["'none'"], "script-src": _hashes(scripts), "style-src": _hashes(styles)}
    sources |= {"base-uri": ["'none'"], "form-action": ["'none'"]}
    return "; ".join(f"{name} {' '.join(values)}" for name, values in sources.items())


def _hashes(texts: list[str]) -> list[str]:
    digests = (hashlib.sha256(text.encode()).digest() for text in texts)
    return [f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests]


def _read(name: str) -> str:
    return (STATIC / name).read_text(encoding="utf-8")
