"""The image, from the folder `container/` to Amazon ECR, with a Docker engine on this machine or without one.

    image.build("container")                              # here, by Docker
    pushed = image.push()                                 # to ECR, and checked there
    pushed = image.build_remotely("container", bucket, role)  # both, by AWS CodeBuild: no Docker here

The folder can be copied as it is; it builds any folder with a Dockerfile. `container/build_and_push.sh` does the first
two from a shell.
"""

from .codebuild import build_remotely
from .ecr import ImageError, Pushed, Registry, pushed, registry
from .engine import NAME, build, engine_obstacle, push, revision

__all__ = [
    "NAME",
    "ImageError",
    "Pushed",
    "Registry",
    "build",
    "build_remotely",
    "engine_obstacle",
    "push",
    "pushed",
    "registry",
    "revision",
]
