"""The language of a pipeline's JSON (version 2020-12-01): what refers to parameters, to results of steps, to files."""

# ruff: noqa: ANN401 - an expression is JSON of anything

from __future__ import annotations

import json
import operator
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

VERSION = "2020-12-01"
TYPES = ("Training", "Processing", "RegisterModel", "Condition", "Fail")
PART = re.compile(r"\.?(\w+)|\[(\d+)\]|\['([^']+)'\]")
COMPARED: dict[str, Callable[[Any, Any], bool]] = {
    "Equals": operator.eq,
    "GreaterThan": operator.gt,
    "GreaterThanOrEqualTo": operator.ge,
    "LessThan": operator.lt,
    "LessThanOrEqualTo": operator.le,
}
Step = Mapping[str, Any]


@dataclass(frozen=True)
class Known:
    """What expressions refer to: parameters, descriptions of the steps done, the URIs of their files, and a reader."""

    parameters: Mapping[str, Any]
    read: Callable[[str], str]
    steps: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)  # by "Step.Name"


def parsed(text: str) -> dict[str, Any]:
    """Return a pipeline's definition; raise ValueError for one that would not run, and for what is not covered here."""
    definition = json.loads(text)
    if not isinstance(definition, dict) or definition.get("Version") != VERSION:
        raise ValueError(f"The definition must be a JSON object of Version {VERSION}.")
    steps = list(all_steps(definition.get("Steps", [])))
    names = [str(step.get("Name")) for step in steps]
    if not steps or len(set(names)) < len(names):
        raise ValueError("The definition must have steps, each with a name of its own.")
    declared = {parameter["Name"] for parameter in definition.get("Parameters", [])}
    for step in steps:
        if step.get("Type") not in TYPES:
            raise ValueError(f"Step {step['Name']} is of type {step.get('Type')}; covered are {', '.join(TYPES)}.")
        for reference in references(step.get("Arguments", {})):
            root, _, rest = reference.partition(".")
            known = {"Parameters": declared, "Steps": names}.get(root, ())
            if re.split(r"[.\[]", rest)[0] not in known:
                raise ValueError(f"Step {step['Name']} refers to {reference}, which the definition has not.")
    return definition


def all_steps(steps: list[Step]) -> Iterator[Step]:
    """Yield steps, and those within their branches."""
    for step in steps:
        yield step
        for branch in ("IfSteps", "ElseSteps"):
            yield from all_steps(step.get("Arguments", {}).get(branch, []))


def references(value: Any) -> Iterator[str]:
    """Yield what a value refers to, such as `Steps.Train.ModelArtifacts`; branches, being steps, are left out."""
    if isinstance(value, Mapping):
        if set(value) == {"Get"}:
            yield str(value["Get"])
        for name, part in value.items():
            yield from references(part) if name not in ("IfSteps", "ElseSteps") else ()
    elif isinstance(value, list):
        for part in value:
            yield from references(part)


def needs(step: Step) -> set[str]:
    """Return the names of the steps that must be done before one: those it names, and those it refers to."""
    referred = [reference for reference in references(step.get("Arguments", {})) if reference.startswith("Steps.")]
    return {*step.get("DependsOn", []), *(re.split(r"[.\[]", reference)[1] for reference in referred)}


def resolve(value: Any, known: Known) -> Any:
    """Return a value in which every expression is replaced by what it stands for.

    Raises:
        KeyError: it refers to what is not there.
    """
    if isinstance(value, list):
        return [resolve(part, known) for part in value]
    if not isinstance(value, Mapping):
        return value
    if set(value) == {"Get"}:
        return got(str(value["Get"]), known)
    if set(value) == {"Std:Join"}:
        told = value["Std:Join"]
        return str(told.get("On", "")).join(str(resolve(part, known)) for part in told["Values"])
    if set(value) == {"Std:JsonGet"}:
        told = value["Std:JsonGet"]
        _, step, _, name = told["PropertyFile"]["Get"].split(".")
        return walk(json.loads(known.read(known.files[f"{step}.{name}"])), told["Path"])
    return {name: resolve(part, known) for name, part in value.items()}


def got(reference: str, known: Known) -> Any:
    """Return what a reference names: a parameter, or a part of a step's description."""
    root, _, rest = reference.partition(".")
    if root == "Parameters":
        return known.parameters[rest]
    step, _, path = rest.partition(".")
    return walk(known.steps[step], path)


def walk(value: Any, path: str) -> Any:
    """Return the part of a value at a path such as `Outputs['report'].S3Output.S3Uri` or `scores[0]`."""
    for name, number, named in PART.findall(path):
        if number:
            value = value[int(number)]
        elif named and isinstance(value, list):
            value = next(part for part in value if named in (part.get("OutputName"), part.get("InputName")))
        else:
            value = value[name or named]
    return value


def holds(condition: Mapping[str, Any], known: Known) -> bool:
    """Return whether a condition of a Condition step is true."""
    kind = condition["Type"]
    if kind == "Not":
        return not holds(condition["Condition"], known)
    if kind == "Or":
        return any(holds(part, known) for part in condition["Conditions"])
    if kind == "In":
        return resolve(condition["QueryValue"], known) in resolve(condition["Values"], known)
    return COMPARED[kind](resolve(condition["LeftValue"], known), resolve(condition["RightValue"], known))
