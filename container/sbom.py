"""Writes the image's bill of materials to stdout, in CycloneDX's JSON; run once, while the image is built."""

from __future__ import annotations

import json
import platform
import subprocess
import sys
from importlib.metadata import Distribution, distributions

Component = dict[str, object]

CHARTS: Component = {  # of report.html, kept beside its own files
    "type": "library",
    "name": "uplot",
    "version": "1.6.32",
    "purl": "pkg:npm/uplot@1.6.32",
    "licenses": [{"license": {"name": "MIT"}}],
}


def python_packages() -> list[Component]:
    """Return a component for each package that the running Python finds, with the licence that it declares."""
    found = {package.metadata["Name"]: package for package in distributions()}
    return [python_package(found[name]) for name in sorted(found, key=str.lower)]


def python_package(package: Distribution) -> Component:
    """Return one package as a component."""
    name = package.metadata["Name"].lower().replace("_", "-").replace(".", "-")
    said = licence(package)
    return {
        "type": "library",
        "name": name,
        "version": package.version,
        "purl": f"pkg:pypi/{name}@{package.version}",
        **({"licenses": [{"license": {"name": said}}]} if said else {}),
    }


def licence(package: Distribution) -> str:
    """Return what a package declares as its licence, the first line of it, or ""."""
    classifiers = package.metadata.get_all("Classifier") or []
    classified = [line.rpartition(" :: ")[2] for line in classifiers if line.startswith("License :: ")]
    said = package.metadata["License-Expression"] or ", ".join(classified) or package.metadata["License"] or ""
    return said.strip().partition("\n")[0]


def debian_packages() -> list[Component]:
    """Return a component for each installed package of Debian; none where there is no dpkg."""
    command = ["dpkg-query", "--show", "--showformat", "${Package} ${Version} ${Architecture}\n"]
    try:
        lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    except FileNotFoundError:
        return []
    return [debian_package(*line.split(" ")) for line in lines]


def debian_package(name: str, version: str, architecture: str) -> Component:
    """Return one package of Debian as a component."""
    purl = f"pkg:deb/debian/{name}@{version.replace('+', '%2B')}?arch={architecture}"
    return {"type": "library", "name": name, "version": version, "purl": purl}


def bill() -> dict[str, object]:
    """Return the whole bill; the same packages give the same bill."""
    interpreter = {"type": "platform", "name": "python", "version": platform.python_version()}
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": {"type": "container", "name": "convect"}},
        "components": [interpreter, *python_packages(), CHARTS, *debian_packages()],
    }


if __name__ == "__main__":
    json.dump(bill(), sys.stdout, indent=1)
