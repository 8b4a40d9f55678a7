"""The pinned sets agree with each other, with the short lists they come from, and with the conda environment."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]
SETS = {"image": ROOT / "container", "notebooks": ROOT}


def direct(folder: Path) -> dict[str, tuple[Requirement, str]]:
    """Name → (requirement, reason) for each line of a short list that names a package."""
    lines = (folder / "requirements.in").read_text(encoding="utf-8").splitlines()
    parts = [line.partition("#") for line in lines if line.strip() and not line.startswith(("#", "-"))]
    return {Requirement(what).name: (Requirement(what), why.strip()) for what, _, why in parts}


def pins(folder: Path) -> dict[str, str]:
    """Name → version of each package of a compiled set."""
    text = (folder / "requirements.txt").read_text(encoding="utf-8")
    return dict(re.findall(r"^([a-z0-9-]+)==([^\s;\\]+)", text, re.MULTILINE))


def test_the_notebooks_have_the_image_in_the_same_versions() -> None:
    image, notebooks = pins(SETS["image"]), pins(SETS["notebooks"])
    assert image
    assert {name: notebooks.get(name) for name in image} == image


@pytest.mark.parametrize("folder", SETS.values(), ids=SETS)
def test_each_direct_package_is_pinned_as_asked_and_has_a_reason(folder: Path) -> None:
    found, asked = pins(folder), direct(folder)
    assert asked
    assert [name for name, (wanted, _) in asked.items() if not wanted.specifier.contains(found.get(name, "0"))] == []
    assert [name for name, (_, reason) in asked.items() if len(reason.split()) < 2] == []


@pytest.mark.parametrize("folder", SETS.values(), ids=SETS)
def test_every_line_is_a_pin_and_names_no_index_or_path(folder: Path) -> None:
    text = (folder / "requirements.txt").read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    assert len(lines) == len(pins(folder))
    assert not re.search(r"://|^\s*-|@ |file:", "\n".join(lines), re.MULTILINE)


def test_the_image_is_pinned_by_hash_and_brings_no_sdk() -> None:
    text = (SETS["image"] / "requirements.txt").read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if "==" in line]
    assert [line[:40] for line in lines if not re.search(r"--hash=sha256:[0-9a-f]{64}", line)] == []
    assert not {"sagemaker", "boto3", "torch", "numba", "papermill", "pytest"} & set(pins(SETS["image"]))


def test_the_conda_environment_takes_the_pins_that_the_makefile_installs() -> None:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    *conda, pip_section = environment["dependencies"]
    assert environment["name"] == "convect-forecast"
    assert conda == ["python=3.12", "pip"]
    assert pip_section == {"pip": ["-r requirements.txt"]}
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert "$(PIP) --requirement requirements.txt\n" in makefile


def test_what_the_demo_installs_is_pinned() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    match = re.search(r"\$\(PIP\) --constraint requirements\.txt (.+)", makefile)
    assert match
    assert set(match[1].split()) <= set(pins(SETS["notebooks"]))
