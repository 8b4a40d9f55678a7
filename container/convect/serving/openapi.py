"""The server's interface as an OpenAPI document, made from the tables that the readers use."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from convect import __version__
from convect.serving import dialects, media, native
from convect.serving.media import OFFERED

Node = dict[str, Any]
FILE = Path(__file__).with_name("openapi.json")
_NUMBERS = {"type": "array", "items": {"type": ["number", "null"]}}
_TARGET = {"type": "array", "items": {"anyOf": [{"type": ["number", "null"]}, {"enum": ["NaN"]}]}}
_STAMP = {"type": ["string", "integer"], "description": "of the first value, such as 2024-01-31 or 2024-01-31 18:00:00"}
_ID = {"type": ["string", "integer"]}
_PLAIN = {"type": ["string", "number", "boolean", "null"]}
_COLUMNS = {"type": "object", "additionalProperties": {"type": "array", "items": _PLAIN}}
_LEVELS = {"type": "array", "minItems": 1, "items": {"type": ["number", "string"]}}
_HORIZON = {"type": "integer", "minimum": 1, "description": "steps; as trained where left out"}
_TEXT_FORM: Node = {"schema": {"type": "string"}}
_SERIES_KEYS: Node = {
    "item_id": _ID | {"description": "an item seen in training goes on from its history, and needs no target"},
    "id": _ID | {"description": "the same as item_id"},
    "start": _STAMP,
    "timestamp": _STAMP | {"description": "the same as start"},
    "target": _TARGET,
    "cat": {
        "type": ["array", "string", "number"],
        "items": _PLAIN,
        "description": "static features in the trained order",
    },
    "dynamic_feat": {
        "type": "array",
        "items": {"type": "array", "items": _PLAIN},
        "description": "known covariates in the trained order, each over the target and the steps after it",
    },
    "past_covariates": _COLUMNS,
    "future_covariates": _COLUMNS,
    "static_features": {"type": "object", "additionalProperties": _PLAIN},
}
_SETTING: Node = {
    "num_samples": {"type": "integer", "minimum": 1, "maximum": dialects.MOST_SAMPLES},
    "num_eval_samples": {"type": "integer", "minimum": 1, "maximum": dialects.MOST_SAMPLES},
    "output_types": {"type": "array", "minItems": 1, "items": {"enum": list(dialects.OUTPUTS)}},
    "quantiles": _LEVELS,
    "quantile_levels": _LEVELS,
    "prediction_length": _HORIZON,
    "horizon": _HORIZON,
    "freq": {"type": "string", "description": "compared with the trained one"},
    "item_ids": {"type": "array", "minItems": 1, "items": _ID},
    "missing": {"type": "string"},
    "aggregate": {"type": "string"},
    "explain": {"type": ["boolean", "null"], "description": "true adds the components, which sum to the mean"},
}


def document() -> Node:
    """Return the OpenAPI 3.1 document: every address, every dialect, every error."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Convect Forecast",
            "version": __version__,
            "description": "What SageMaker sends to the container, and what the container answers.",
        },
        "servers": [{"url": "http://localhost:8080"}],
        "paths": _paths(),
        "components": {"schemas": _schemas()},
    }


def text() -> str:
    """Return the document as it stands in `openapi.json`."""
    return json.dumps(document(), indent=1, ensure_ascii=False) + "\n"


def _paths() -> Node:
    invoke = {"post": _invocation()}
    model = {"name": "model_name", "in": "path", "required": True, "schema": {"type": "string"}}
    named = {"200": _json("LoadedModel"), **_errors(404)}
    listing = {"200": _json("LoadedModels"), **_errors(400)}
    loading = {"200": {"description": "Loaded."}, **_errors(400, 404, 409, 413, 507)}
    return {
        "/ping": {
            "get": _operation(
                "Whether the model has forecast.", {"200": {"description": "It has."}, **_errors(500, 503)}
            )
        },
        "/invocations": invoke,
        "/execution-parameters": {
            "get": _operation("How batch transform may send.", {"200": _json("ExecutionParameters")})
        },
        "/metrics": {"get": _operation("Counters for Prometheus.", {"200": _text("text/plain")})},
        "/models": {
            "get": _operation("The loaded models (multi-model endpoints).", listing),
            "post": _operation("Load a model.", loading, body={media.JSON: {"schema": _ref("ModelToLoad")}}),
        },
        "/models/{model_name}": {
            "parameters": [model],
            "get": _operation("One loaded model.", named),
            "delete": _operation("Unload a model.", {"200": {"description": "Unloaded."}, **_errors(404)}),
        },
        "/models/{model_name}/invoke": {"parameters": [model], **invoke},
    }


def _operation(summary: str, responses: Node, body: Node | None = None) -> Node:
    content = {"requestBody": {"required": True, "content": body}} if body else {}
    return {"summary": summary, **content, "responses": responses}


def _invocation() -> Node:
    wishes = {"type": "string", "description": f"any of {', '.join(OFFERED)}, with weights"}
    asked = [{"$ref": f"#/components/schemas/{name}"} for name in ("Native", "DeepAR", "Chronos", "Series")]
    answered = [_ref(name) for name in ("Predictions", "Prediction", "Table")]
    body: Node = {media.JSON: {"schema": {"anyOf": asked}}, media.JSON_LINES: _TEXT_FORM, media.CSV: _TEXT_FORM}
    body |= {media.PARQUET: {"schema": {"type": "string", "format": "binary"}}}
    good: Node = {media.JSON: {"schema": {"anyOf": answered}}}
    good |= {form: _TEXT_FORM for form in OFFERED if form != media.JSON}
    operation = _operation("Forecast.", {"200": {"description": "The forecast.", "content": good}}, body)
    operation["responses"] |= _errors(400, 404, 406, 408, 413, 415, 422, 500, 503, 507)
    return operation | {"parameters": [{"name": "Accept", "in": "header", "schema": wishes}]}


def _errors(*statuses: int) -> Node:
    return {str(status): _json("Error") for status in statuses}


def _json(name: str) -> Node:
    return {"description": name, "content": {media.JSON: {"schema": _ref(name)}}}


def _text(form: str) -> Node:
    return {"description": "Text.", "content": {form: {"schema": {"type": "string"}}}}


def _ref(name: str) -> Node:
    return {"$ref": f"#/components/schemas/{name}"}


def _object(keys: Node, *required: str, closed: bool = True) -> Node:
    found: Node = {"type": "object", "properties": keys, "required": list(required)}
    return found | ({"additionalProperties": False} if closed else {})


def _settings(names: tuple[str, ...]) -> Node:
    return _object({name: _SETTING.get(name, {}) for name in names})


def _listed(name: str) -> Node:
    return {"anyOf": [{"type": "array", "minItems": 1, "items": _ref(name)}, _ref(name)]}


def _schemas() -> Node:
    table = {"type": ["array", "object", "string", "null"], "description": "records, one list a column, or CSV text"}
    keys = {"schema": {"type": ["object", "null"]}, "freq": {"type": ["string", "null"]}, "data": table}
    instances = {"instances": _listed("Series"), "configuration": _settings(dialects.DEEPAR_KEYS)}
    inputs = {"inputs": _listed("Series"), "parameters": _settings(dialects.CHRONOS_KEYS)}
    told = {name: {"type": "string"} for name in ("code", "message", "remedy", "request_id")}
    part = {
        "mean": _NUMBERS,
        "quantiles": {"type": "object", "additionalProperties": _NUMBERS},
        "start": {"type": "string"},
    }
    part |= {"samples": {"type": "array", "items": _NUMBERS}, "item_id": {"type": "string"}, "error": _ref("Error")}
    part |= {
        "history": {"enum": ["trained", "request", "unseen", "none"]},
        "fallback": {"const": True},
        "reason": {"type": "string"},
        "components": {"type": "object", "additionalProperties": _NUMBERS},
    }
    rows = {"type": "array", "items": {"type": "object"}}
    loaded = _object({"modelName": {"type": "string"}, "modelUrl": {"type": "string"}}, closed=False)
    return {
        "Series": _object(_SERIES_KEYS),
        "Native": _object({**keys, "config": _settings(native.CONFIG_KEYS)}),
        "DeepAR": _object(instances, "instances"),
        "Chronos": _object(inputs, "inputs"),
        "Prediction": _object(part, closed=False) | {"additionalProperties": _NUMBERS},
        "Predictions": _object({"predictions": {"type": "array", "items": _ref("Prediction")}}, "predictions"),
        "Table": _object({"forecasts": rows, "origin": rows, "errors": rows}, "forecasts", "origin"),
        "Error": _object(told, "code", "message", "remedy"),
        "ExecutionParameters": _object(
            {
                "MaxConcurrentTransforms": {"type": "integer"},
                "BatchStrategy": {"enum": ["MULTI_RECORD", "SINGLE_RECORD"]},
                "MaxPayloadInMB": {"type": "integer"},
            }
        ),
        "ModelToLoad": _object(
            {"model_name": {"type": "string"}, "url": {"type": "string"}}, "model_name", "url", closed=False
        ),
        "LoadedModel": {"anyOf": [loaded, {"type": "array", "items": loaded}]},
        "LoadedModels": _object({"models": {"type": "array", "items": loaded}}, "models", closed=False),
    }


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
