"""The engine and the image of tests/image, for the notebooks that are run with them."""

from __future__ import annotations

from tests.image.fixtures import engine, image

__all__ = ["engine", "image"]
