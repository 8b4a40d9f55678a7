"""What can be said of the Dockerfile without an engine: any builder reads it, and it names nobody's hosts."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.image.engine import ROOT

CONTAINER = ROOT / "container"
CHARTS = CONTAINER / "convect" / "report" / "static" / "vendor"
TEXT = (CONTAINER / "Dockerfile").read_text("utf-8")
STEPS = [line for line in re.sub(r"^#.*\n", "", TEXT, flags=re.MULTILINE).replace("\\\n", " ").splitlines() if line]
SCRIPTS = [CONTAINER / "Dockerfile", CONTAINER / "build_and_push.sh", *sorted(Path(__file__).parent.glob("*.sh"))]


def step(start: str) -> int:
    """The position of the one step that begins so."""
    (found,) = [number for number, line in enumerate(STEPS) if line.startswith(start)]
    return found


def test_neither_buildkit_nor_buildx_is_needed() -> None:
    assert not re.search(r"<<|--mount|--chmod|--link|^# *syntax", TEXT, re.MULTILINE)


def test_it_trains_unless_told_otherwise_and_no_shell_eats_the_signal() -> None:
    (command,) = [line for line in STEPS if line.startswith(("CMD", "ENTRYPOINT"))]
    assert json.loads(command.removeprefix("CMD ")) == ["train"]


def test_packages_come_with_hashes_and_before_the_code() -> None:
    packages = next(line for line in STEPS if "--requirement" in line)
    assert "--require-hashes" in packages
    assert "--only-binary :all:" in packages
    assert STEPS.index(packages) < step("COPY train serve")
    assert step("COPY --from=build /opt/venv") < step("COPY --from=build /opt/program")


def test_the_index_is_known_to_the_stage_that_is_thrown_away_alone() -> None:
    stages = [number for number, line in enumerate(STEPS) if line.startswith("FROM")]
    asked = [number for number, line in enumerate(STEPS) if line.startswith("ARG PIP_")]
    assert asked
    assert all(stages[-2] < number < stages[-1] for number in asked)
    assert STEPS[stages[-2]].endswith(" AS build")


def test_the_context_is_what_the_dockerfile_copies() -> None:
    copied = {name for line in STEPS if re.match(r"COPY (?!--from)", line) for name in line.split()[1:-1]}
    lines = (CONTAINER / ".dockerignore").read_text("utf-8").splitlines()
    assert lines[1] == "*"
    assert {line[1:] for line in lines if line.startswith("!")} == copied
    assert all((CONTAINER / name).exists() for name in copied)


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_no_host_is_named(path: Path) -> None:
    hosts = set(re.findall(r"://([\w.-]+)", path.read_text("utf-8")))
    assert hosts <= {"deb.debian.org"}  # Debian's own
    assert not re.search(r"dkr\.ecr|amazonaws\.com[/.:]", path.read_text("utf-8"))


def test_the_bill_of_materials_says_name_version_and_licence() -> None:
    program = [sys.executable, str(CONTAINER / "sbom.py")]
    bill = json.loads(subprocess.run(program, capture_output=True, text=True, check=True).stdout)
    parts = {part["name"]: part for part in bill["components"]}
    pins = dict(re.findall(r"^([a-z0-9-]+)==(\S+)", (CONTAINER / "requirements.txt").read_text("utf-8"), re.MULTILINE))
    assert parts["typing-extensions"]["purl"] == f"pkg:pypi/typing-extensions@{pins['typing-extensions']}"
    assert parts["uplot"]["purl"] == "pkg:npm/uplot@1.6.32"
    assert "`uplot` 1.6.32 on npm" in (CHARTS / "README.md").read_text("utf-8")
    assert parts["flask"]["licenses"] == [{"license": {"name": "BSD-3-Clause"}}]
    assert all(re.search(r"[A-Za-z]", parts[name]["licenses"][0]["license"]["name"]) for name in ("numpy", "pandas"))
