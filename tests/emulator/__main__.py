"""`python -m tests.emulator`: SageMaker for a person without an account, until Ctrl-C."""

from __future__ import annotations

import argparse
import signal
import sys
import threading

from .docker import docker
from .server import REPOSITORY, Emulator, NoEngine, running

SAYS = """
SageMaker, emulated: the container contract is real, the service is not (tests/emulator/README.md says what that means).
Runs jobs as {runner}: {says}.

Set these in the shell or the notebook that is to use it:
{variables}

bucket  {bucket}
role    {role}
image   {image}

Ctrl-C ends it, with every job and endpoint, and nothing is kept."""
NO_IMAGE = "none yet: push one to the repository that ECR's create_repository answers with"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.emulator", description=__doc__)
    parser.add_argument("--runner", choices=["docker", "processes"], default="docker", help="how jobs run")
    parser.add_argument("--port", type=int, default=5556, help="on 127.0.0.1; 0 for any free one")
    parser.add_argument("--image", default=REPOSITORY, help="image of this machine to publish, if it is there")
    return parser.parse_args()


def main() -> int:
    options = arguments()
    done = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: done.set())
    try:
        with running(options.runner, port=options.port) as emulator:
            publish(emulator, options.image)
            print(introduction(emulator), flush=True)
            done.wait()
            print("Ending jobs and endpoints.", flush=True)
    except NoEngine:
        print("No Docker engine answers. Start one, or: make emulator RUNNER=processes", file=sys.stderr)
        return 1
    except OSError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def publish(emulator: Emulator, image: str) -> None:
    """Push an image that is already built; another one is pushed by the notebook that builds it."""
    if emulator.runner.name == "docker" and docker("image", "inspect", image).returncode == 0:
        print(f"Pushing {image} to the emulator's registry (half a minute).", flush=True)
        emulator.publish(image)


def introduction(emulator: Emulator) -> str:
    variables = "\n".join(f"export {name}={value}" for name, value in emulator.environment.items())
    return SAYS.format(
        runner=emulator.runner.name,
        says=emulator.runner.says,
        variables=variables,
        bucket=emulator.bucket,
        role=emulator.role,
        image=emulator.image or NO_IMAGE,
    )


if __name__ == "__main__":
    sys.exit(main())
