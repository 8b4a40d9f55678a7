"""Requests checked and answers cut by AWS's own model of the service, the one inside botocore.

botocore checks only names and types before it sends; patterns, enumerations and ranges are left to the service.
Doing that from the model covers every member of every operation without a table of our own.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from typing import Any

import botocore.session
from botocore.model import ServiceModel, Shape

from .errors import invalid

FAILED = "failed to satisfy constraint:"
SHOWN_CHARACTERS = 200


@functools.cache
def service_model(name: str = "sagemaker") -> ServiceModel:
    return botocore.session.get_session().get_service_model(name)


def check(operation: str, request: dict[str, Any]) -> None:
    """Raise ValidationException, in AWS's words, for each member that breaks a pattern, an enumeration or a range."""
    shape = service_model().operation_model(operation).input_shape
    problems = list(problems_of(shape, request, "")) if shape else []
    if problems:
        errors = "error" if len(problems) == 1 else "errors"
        raise invalid(f"{len(problems)} validation {errors} detected: {'; '.join(problems)}")


def problems_of(shape: Shape, value: Any, path: str) -> Iterator[str]:
    if shape.type_name == "structure":
        yield from problems_of_structure(shape, value, path)
        return
    if shape.type_name in ("list", "map"):
        members = enumerate(value, 1) if shape.type_name == "list" else value.items()
        inner = shape.member if shape.type_name == "list" else shape.value
        for key, member in members:
            yield from problems_of(inner, member, f"{path}.{key}.member")
    shown = str(value)[:SHOWN_CHARACTERS]
    for constraint in constraints_broken(shape, value):
        yield f"Value '{shown}' at '{path}' {FAILED} Member must {constraint}"


def problems_of_structure(shape: Shape, value: dict[str, Any], path: str) -> Iterator[str]:
    for name in shape.required_members:
        if value.get(name) is None:
            yield f"Value null at '{inside(path, name)}' {FAILED} Member must not be null"
    for name, member in value.items():
        if name in shape.members and member is not None:
            yield from problems_of(shape.members[name], member, inside(path, name))


def inside(path: str, name: str) -> str:
    own = name[0].lower() + name[1:]
    return f"{path}.{own}" if path else own


def constraints_broken(shape: Shape, value: Any) -> Iterator[str]:
    rules = shape.metadata
    if rules.get("enum") and value not in rules["enum"]:
        yield f"satisfy enum value set: [{', '.join(rules['enum'])}]"
    if "pattern" in rules and not matches(rules["pattern"], value):
        yield f"satisfy regular expression pattern: {rules['pattern']}"
    noun = "value" if shape.type_name in ("integer", "long", "float", "double") else "length"
    size = value if noun == "value" else len(value) if hasattr(value, "__len__") else None
    if size is not None and size < rules.get("min", size):
        yield f"have {noun} greater than or equal to {rules['min']}"
    if size is not None and size > rules.get("max", size):
        yield f"have {noun} less than or equal to {rules['max']}"


def matches(pattern: str, value: Any) -> bool:
    try:
        return re.fullmatch(pattern, str(value)) is not None
    except re.error:  # Java's \p{L} and its like
        return True


def keep(operation: str, answer: dict[str, Any]) -> dict[str, Any]:
    """Return what of an answer the operation's model knows, so that nothing of ours is seen by a client."""
    shape = service_model().operation_model(operation).output_shape
    return cut(shape, answer) if shape else {}


def cut(shape: Shape, value: Any) -> Any:
    if shape.type_name == "structure" and isinstance(value, dict):
        known = shape.members
        return {name: cut(known[name], member) for name, member in value.items() if name in known}
    if shape.type_name == "list" and isinstance(value, list):
        return [cut(shape.member, member) for member in value]
    return value
