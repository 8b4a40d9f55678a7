"""The published OpenAPI document: current, valid, complete, and as strict as the readers."""

from __future__ import annotations

import json
import os
import re
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from convect.serving import openapi, wire
from convect.serving.media import OFFERED, READ
from convect.serving.one_series import KEYS
from convect.serving.server import make_app
from convect.serving.settings import Settings

DOCUMENT = openapi.document()
SCHEMAS = DOCUMENT["components"]["schemas"]
ONE = {"start": "2024-01-01", "target": [1, None, "NaN"], "cat": [0], "dynamic_feat": [[1, 2, 3, 4]]}


def test_the_file_is_current() -> None:
    if os.environ.get("UPDATE_README"):
        openapi.FILE.write_text(openapi.text(), encoding="utf-8")
    assert openapi.FILE.read_text(encoding="utf-8") == openapi.text()


def test_it_is_an_openapi_document() -> None:
    validate(json.loads(openapi.text()))


def test_every_address_of_the_server_is_in_it(artifact: Any, forecaster: Any) -> None:
    app = make_app(lambda: artifact, Settings(), forecaster)
    paths = {re.sub(r"{\w+}", "{}", path): methods for path, methods in DOCUMENT["paths"].items()}
    for rule in app.url_map.iter_rules():
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            assert method.lower() in paths[re.sub(r"<\w+>", "{}", rule.rule)], rule.rule


def test_every_form_is_in_it() -> None:
    operation = DOCUMENT["paths"]["/invocations"]["post"]
    assert set(operation["requestBody"]["content"]) == set(READ.values())
    assert set(operation["responses"]["200"]["content"]) == set(OFFERED)
    assert set(SCHEMAS["Series"]["properties"]) == set(KEYS)


def fits(name: str, value: object) -> bool:
    schema = {"$ref": f"#/components/schemas/{name}", "components": {"schemas": SCHEMAS}}
    return bool(Draft202012Validator(schema).is_valid(value))


@pytest.mark.parametrize(
    ("name", "document"),
    [
        ("DeepAR", {"instances": [ONE, ONE], "configuration": {"num_samples": 9, "quantiles": ["0.1", 0.9]}}),
        ("DeepAR", {"instances": ONE}),
        ("Chronos", {"inputs": [{"target": [1]}], "parameters": {"prediction_length": 3, "batch_size": 8}}),
        ("Series", ONE),
        ("Native", {}),
        ("Native", {"config": {"horizon": 3, "quantiles": [0.5]}, "data": {"y": [1]}, "freq": "D", "schema": {}}),
    ],
)
def test_what_is_read_fits_it(name: str, document: Any) -> None:
    assert fits(name, document)
    wire.decode(json.dumps(document).encode(), "application/json")


@pytest.mark.parametrize(
    ("name", "document"),
    [
        ("DeepAR", {"instances": [{"tarket": [1]}]}),
        ("DeepAR", {"instances": [ONE], "configuration": {"num_samples": 0}}),
        ("Chronos", {"inputs": [], "parameters": {}}),
        ("Chronos", {"inputs": [ONE], "parameters": {"length": 3}}),
        ("Native", {"config": {"horzon": 3}}),
        ("Native", {"dta": []}),
    ],
)
def test_what_is_refused_does_not_fit_it(name: str, document: Any) -> None:
    assert not fits(name, document)
