"""The emulator as a context: started on a port, used, and gone without a trace."""

from __future__ import annotations

import contextlib
import json
import secrets
import shutil
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from moto.moto_api._internal.models import moto_api_backend
from werkzeug.serving import WSGIRequestHandler, make_server

from . import docker, ecr
from .app import DEFAULT_REGION, App
from .errors import already
from .registry import TRAINING
from .runners import PROGRAMS, Processes, Runner
from .service import ACCOUNT, CREDENTIALS, Limits, Service

ROLE = "SageMakerExecution"
REPOSITORY = "algoflow-sagemaker"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
STUB_TYPE = "application/vnd.docker.distribution.manifest.v2+json"
ECR_NAMES = f"{ACCOUNT}.dkr.ecr.*.amazonaws.com"  # no account of anybody's
ONLY = threading.Lock()
CLOSE_S = 5.0  # for jobs to end by themselves before they are ended


class NoEngine(RuntimeError):
    """No Docker engine answers, and nobody has said that processes will do."""


class Quiet(WSGIRequestHandler):
    """Says nothing of each request."""

    def log(self, type: str, message: str, *args: Any) -> None:
        """Keep silent."""


class Emulator:
    """A running emulator: where it is, what it made at the start, and boto3's clients for it."""

    def __init__(self, app: App, url: str, runner: Runner, registry: ecr.Registry | None) -> None:
        self.app, self.url, self.runner, self.registry = app, url, runner, registry
        self.region = DEFAULT_REGION
        self.bucket = f"sagemaker-{self.region}-{ACCOUNT}"
        self.role = f"arn:aws:iam::{ACCOUNT}:role/{ROLE}"
        self.image = ""  # the URI of the last one published

    @property
    def environment(self) -> dict[str, str]:
        """The variables that lead boto3 and the AWS command line here."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_DEFAULT_REGION": self.region,
            **{name.upper(): value for name, value in CREDENTIALS.items()},
            "AWS_EC2_METADATA_DISABLED": "true",
            "SAGEMAKER_VALIDATE_ROLE": "false",  # by SDK 3, with a call that moto does not know
        }

    def client(self, name: str) -> Any:
        return self.app.service(self.region).client(name)

    def set_up(self) -> None:
        """Make the bucket and the role; where images are only names, also one in ECR."""
        self.client("s3").create_bucket(Bucket=self.bucket)
        self.client("iam").create_role(RoleName=ROLE, AssumeRolePolicyDocument=json.dumps(TRUST))
        if self.runner.name == "processes":
            self.publish(REPOSITORY)

    def publish(self, image: str, repository: str = REPOSITORY) -> str:
        """Bring an image of this machine to where a job finds it, and return its URI.

        With a registry it is pushed there; without one it gets ECR's name on this machine's engine; without an engine
        ECR's API is told of an image that does not exist, since only its name is asked for.

        Raises:
            OSError: Docker cannot tag or push it.
        """
        client = self.client("ecr")
        with already("RepositoryAlreadyExistsException"):
            client.create_repository(repositoryName=repository)
        uri = client.describe_repositories(repositoryNames=[repository])["repositories"][0]["repositoryUri"]
        self.image = f"{uri}:latest"
        if self.runner.name == "processes":
            stub = json.dumps({"schemaVersion": 2, "mediaType": STUB_TYPE, "layers": [], "config": {"size": 0}})
            with already("ImageAlreadyExistsException"):
                client.put_image(repositoryName=repository, imageManifest=stub, imageTag="latest")
            return self.image
        for step in (["tag", image, self.image], *([["push", self.image]] if self.registry else [])):
            done = docker.docker(*step)
            if done.returncode:
                raise OSError(f"docker {' '.join(step)}: {done.stderr.strip()}")
        return self.image

    def interrupt(self, training_job: str) -> None:
        """Take the spot instances of a training job away: SIGTERM, then a new try with its checkpoints."""
        self.app.service(self.region).registry.find(TRAINING, training_job).interrupt.set()


def choose_runner(wanted: str, programs: Path) -> Runner:
    """Return the runner of a name; `auto` is Docker if an engine answers, else processes.

    Raises:
        NoEngine: Docker is wanted and no engine answers.
    """
    engine = wanted != "processes" and docker.engine_answers()
    if wanted == "docker" and not engine:
        raise NoEngine("No Docker engine answers. Start one, or run the programs without containers: processes.")
    return docker.Docker(f"emulator-{secrets.token_hex(4)}") if engine else Processes(programs)


@contextlib.contextmanager
def running(
    runner: str = "auto",
    *,
    port: int = 0,
    programs: Path = PROGRAMS,
    limits: Limits | None = None,
    registry: bool = True,
) -> Iterator[Emulator]:
    """Run the emulator for the time of the context, on `port` or on any free one of 127.0.0.1.

    `programs` is the folder of `train` and `serve` for processes. With Docker an image registry is started as well, if
    it is installed; without one (`registry=False`) images of this machine are found by ECR's names, with no push.

    On leaving, jobs and endpoints are ended, their containers or processes, folders and the port are gone, and what
    moto remembered is forgotten. One at a time in a process, since moto has one memory.

    Raises:
        NoEngine: `runner` is "docker" and no engine answers.
        OSError: the port is taken.
        RuntimeError: another one is running in this process.
    """
    chosen = choose_runner(runner, programs)
    if not ONLY.acquire(blocking=False):
        raise RuntimeError("One emulator at a time in a process: another one is running.")
    with contextlib.ExitStack() as stack:
        stack.callback(ONLY.release)
        root = Path(tempfile.mkdtemp(prefix="emulator-"))
        stack.callback(shutil.rmtree, root, ignore_errors=True)
        stack.callback(chosen.close)
        images = open_registry(stack, chosen, root) if registry and ecr.installed() else None
        if isinstance(chosen, docker.Docker):
            stack.callback(docker.untag, f"{images.address if images else ECR_NAMES}/*")
        moto_api_backend.reset()
        stack.callback(moto_api_backend.reset)
        app = App(lambda region: Service(region, url, chosen, limits or Limits(), root), images)
        server = bind(port, app)
        url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        stack.callback(stop_serving, server, thread)
        stack.callback(close_services, app, chosen)
        emulator = Emulator(app, url, chosen, images)
        emulator.set_up()
        yield emulator


def open_registry(stack: contextlib.ExitStack, runner: Runner, root: Path) -> ecr.Registry | None:
    """Start a registry for containers; processes need none."""
    if not isinstance(runner, docker.Docker):
        return None
    registry = ecr.Registry(root)
    stack.callback(registry.close)
    runner.pulls = True
    return registry


def bind(port: int, app: App) -> Any:
    """Return a server on a port, threads for its requests; raise OSError in a sentence where it is taken."""
    try:
        return make_server("127.0.0.1", port, app, threaded=True, request_handler=Quiet)
    except (OSError, SystemExit) as error:  # werkzeug leaves the program where the port is taken
        raise OSError(f"Port {port} of 127.0.0.1 cannot be used: {error}. Choose another.") from None


def stop_serving(server: Any, thread: threading.Thread) -> None:
    server.shutdown()
    thread.join()
    server.server_close()


def close_services(app: App, runner: Runner) -> None:
    """Ask all jobs to end; end by force those that do not; wait until the last word of each is written."""
    for service in list(app.services.values()):
        service.close(CLOSE_S)
    runner.close()
    for service in list(app.services.values()):
        service.close(CLOSE_S)
