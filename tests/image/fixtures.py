"""The engine and the image as fixtures of the session; a conftest that wants them imports both."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.image import engine as docker_engine


@pytest.fixture(scope="session")
def engine() -> Iterator[None]:
    """A Docker engine. Where none answers the test is skipped; in CI that is a failure."""
    with docker_engine.running() as obstacle:
        if obstacle and os.environ.get("CI") == "true":
            pytest.fail(f"Docker is needed in CI: {obstacle}.", pytrace=False)
        if obstacle:
            pytest.skip(f"{obstacle}; `make engine` installs one")
        yield
        docker_engine.remove_all()


@pytest.fixture(scope="session")
def image(engine: None) -> str:
    """The name of the image, built once; all of it is removed at the end of the session."""
    return docker_engine.built()
