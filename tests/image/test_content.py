"""What is in the image, and what is not."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.image.engine import HERE, ROOT, base_image, docker

CONTAINER = ROOT / "container"
NOT_THERE = ("gcc", "cc", "ld", "git", "curl", "wget")
PIPS = ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_TRUSTED_HOST", "PIP_CERT", "PIP_DEFAULT_TIMEOUT")


def inside(image: str, *command: str) -> str:
    return docker("run", "--rm", "--network", "none", "--entrypoint", command[0], image, *command[1:]).stdout


def which(image: str, *programs: str) -> list[str]:
    script = f"for program in {' '.join(programs)}; do command -v $program; done; true"
    return inside(image, "sh", "-c", script).split()


@pytest.fixture(scope="module")
def described(image: str) -> dict[str, object]:
    found: dict[str, object] = json.loads(docker("image", "inspect", image).stdout)[0]
    return found


def test_the_programs_are_found_and_training_is_the_default(
    image: str, described: dict[str, dict[str, object]]
) -> None:
    assert described["Config"]["Cmd"] == ["train"]
    assert not described["Config"]["Entrypoint"]
    assert which(image, "train", "serve") == ["/opt/program/train", "/opt/program/serve"]


def test_it_is_for_sagemaker_s_processors_and_says_what_it_can(described: dict[str, object]) -> None:
    assert (described["Os"], described["Architecture"]) == ("linux", "amd64")
    labels = described["Config"]["Labels"]  # type: ignore[index]
    assert labels["com.amazonaws.sagemaker.capabilities.accept-bind-to-port"] == "true"
    assert labels["org.opencontainers.image.revision"] == "tested"
    assert labels["com.amazonaws.sagemaker.capabilities.multi-models"] == "true"


def test_the_code_is_the_checkout_s(image: str) -> None:
    script = "cd /opt/program && find . -type f ! -name '*.pyc' -exec sha256sum {} + | sort -k 2"
    listing = inside(image, "sh", "-c", script).splitlines()
    found = {path.removeprefix("./"): digest for digest, _, path in (line.partition("  ") for line in listing)}
    files = (path for path in (CONTAINER / "convect").rglob("*") if path.is_file())
    package = (path for path in files if path.parent.name != "__pycache__")
    names = [*package, *(CONTAINER / name for name in ("train", "serve"))]
    expected = [str(path.relative_to(CONTAINER)) for path in [*names, CONTAINER / "predictor.py"]]
    assert sorted(found) == sorted(expected)
    local = subprocess.run(["sha256sum", *expected], cwd=CONTAINER, capture_output=True, text=True, check=True).stdout
    assert {path: digest for digest, _, path in (line.partition("  ") for line in local.splitlines())} == found


def pins(python: str) -> dict[str, str]:
    """Return the pinned versions that this Python takes on Linux."""
    text = (CONTAINER / "requirements.txt").read_text("utf-8")
    found = [Requirement(line) for line in re.findall(r"^([a-z0-9-]+==[^\\\n]+?) *(?:\\|$)", text, re.MULTILINE)]
    here = {"python_version": python, "python_full_version": f"{python}.0", "sys_platform": "linux"}
    ours = [pin for pin in found if pin.marker is None or pin.marker.evaluate(here | {"platform_system": "Linux"})]
    return {pin.name: str(pin.specifier).removeprefix("==") for pin in ours}


def test_the_bill_of_materials_has_every_pin_and_every_package_of_debian(image: str) -> None:
    bill = json.loads(inside(image, "cat", "/opt/sbom.cdx.json"))
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.5")
    versions = {part["name"]: part["version"] for part in bill["components"] if "pypi" in part.get("purl", "")}
    python = inside(image, "/opt/venv/bin/python", "-c", "import sys; print('%d.%d' % sys.version_info[:2])").strip()
    assert versions == pins(python)
    debian = {part["name"] for part in bill["components"] if part.get("purl", "").startswith("pkg:deb/")}
    assert debian == set(inside(image, "dpkg-query", "--show", "--showformat", "${Package} ").split())
    assert "libgomp1" in debian


def test_nothing_is_left_of_building(image: str) -> None:
    assert which(image, *NOT_THERE) == []
    script = "ls -d /root/.cache /opt/pip /tmp/* /var/lib/apt/lists/* /opt/venv/bin/pip* 2>/dev/null; true"
    assert inside(image, "sh", "-c", script) == ""
    assert inside(image, "find", "/opt/venv", "-type", "d", "-name", "tests") == ""


def test_every_module_is_compiled(image: str) -> None:
    """A container that cannot write would compile the rest again at each start."""
    script = """
for path in $(find /opt/venv/lib /opt/program -name '*.py'); do
    [ -e "$(dirname $path)/__pycache__/$(basename $path .py).cpython-"*.pyc ] || echo $path
done"""
    assert inside(image, "sh", "-c", script).split() == []


@pytest.mark.parametrize("variable", PIPS)
def test_no_setting_of_pip_stays_in_the_image(image: str, described: dict[str, object], variable: str) -> None:
    written = json.dumps(described) + docker("history", "--no-trunc", image).stdout
    assert variable not in written
    if value := os.environ.get(variable):
        assert value not in written or variable in ("PIP_CERT", "PIP_DEFAULT_TIMEOUT")


def test_a_mirror_is_used_and_not_kept(engine: None, image: str, tmp_path: Path) -> None:
    """An index that does not exist makes the build fail: the argument does reach pip."""
    environment = {
        **os.environ,
        "PIP_INDEX_URL": "http://127.0.0.1:9/no-such-index",
        "BUILD_ONLY": "1",
        "REVISION": "no",
    }
    environment |= {"BASE_IMAGE": base_image(), "PIP_EXTRA_INDEX_URL": ""}
    command = [CONTAINER / "build_and_push.sh", "convect-tests/never"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "no-such-index" in done.stdout + done.stderr
    assert "The image was not built; the lines above say why." in done.stderr
    assert docker("image", "inspect", "convect-tests/never", check=False).returncode
    left = docker("ps", "--all", "--format", "{{.Command}}").stdout
    assert "--requirement" not in left  # the step that failed has left no container


def test_the_stand_in_is_kept_if_present(engine: None) -> None:
    before = docker("images", "--quiet", base_image()).stdout
    subprocess.run([HERE / "base_image.sh", base_image()], check=True, timeout=10)
    assert docker("images", "--quiet", base_image()).stdout == before
