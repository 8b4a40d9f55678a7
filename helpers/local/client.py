"""`LocalClient`: training, tuning, models, batch transform and endpoints of this machine, by boto3's method names."""

# ruff: noqa: ANN401 - boto3's requests and answers are dictionaries of anything

from __future__ import annotations

import atexit
import shutil
import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from .checks import check, check_deployment, check_path, check_source, check_training
from .endpoint import notice_death, run_endpoint, run_update
from .errors import ClientError, ResourceInUse, refused
from .job import REGION, Job, Registry
from .operating import Operations
from .training import run_training
from .transform import SERVER_GRACE_S, run_transform
from .tuning import TuningCalls

PROGRAMS = Path(__file__).resolve().parents[2] / "container"
EXIT_GRACE_S = 2.0  # the interpreter is going: no long farewells


class LocalClient(Operations, TuningCalls):
    """A SageMaker client that runs `programs/train` and `programs/serve` as processes of this machine.

    Methods take boto3's keyword arguments and return boto3's dictionaries; data are read from and written to `file://`
    URIs. A job's `/opt/ml` stays until `close()`, which the interpreter calls at its end.

    Raises:
        FileNotFoundError: `programs` holds no `train` or no `serve`.
    """

    exceptions = SimpleNamespace(ClientError=ClientError, ResourceInUse=ResourceInUse)

    def __init__(self, programs: str | Path = PROGRAMS) -> None:
        self.programs = Path(programs).resolve()
        for name in ("train", "serve"):
            if not (self.programs / name).is_file():
                raise FileNotFoundError(f"No program '{name}' in {self.programs}: give programs=, its folder")
        self.registry = Registry(Path(tempfile.mkdtemp(prefix="sagemaker-local-")))
        atexit.register(self.close)

    # Training

    def create_training_job(self, **request: Any) -> dict[str, Any]:
        """Start a training job; as on AWS the call returns at once."""
        check("CreateTrainingJob", request)
        check_training(request)
        job = self.registry.make(
            "TrainingJob", request, TrainingJobStatus="InProgress", ModelArtifacts={"S3ModelArtifacts": ""}
        )
        job.enter("Starting", "Starting the training job")
        job.start(lambda: run_training(job, self.programs / "train", REGION))
        return {"TrainingJobArn": job.state["TrainingJobArn"]}

    def describe_training_job(self, **request: Any) -> dict[str, Any]:
        """Describe a training job."""
        return self.registry.find("DescribeTrainingJob", "TrainingJob", request).describe()

    def list_training_jobs(self, **request: Any) -> dict[str, Any]:
        """List training jobs, the newest first."""
        check("ListTrainingJobs", request)
        keys = ("TrainingJobName", "TrainingJobArn", "CreationTime", "LastModifiedTime", "TrainingJobStatus")
        jobs = [{key: job.state.get(key, job.name) for key in keys} for job in self.registry.of("TrainingJob")]
        wanted = [
            job
            for job in reversed(jobs)
            if request.get("NameContains", "") in job["TrainingJobName"]
            and request.get("StatusEquals", job["TrainingJobStatus"]) == job["TrainingJobStatus"]
        ]
        return {"TrainingJobSummaries": wanted[: request.get("MaxResults", 10)]}

    def stop_training_job(self, **request: Any) -> dict[str, Any]:
        """Send SIGTERM to a training job and, 120 seconds later, SIGKILL; what it left in `model` is kept."""
        self.registry.stop("TrainingJob", request)
        return {}

    # Models and batch transform

    def create_model(self, **request: Any) -> dict[str, Any]:
        """Record a model: its archive, and the variables of its server."""
        check("CreateModel", request)
        check_path("CreateModel", request["PrimaryContainer"].get("ModelDataUrl", ""))
        return {"ModelArn": self.registry.make("Model", request).state["ModelArn"]}

    def describe_model(self, **request: Any) -> dict[str, Any]:
        """Describe a model."""
        return self.registry.find("DescribeModel", "Model", request).describe()

    def delete_model(self, **request: Any) -> dict[str, Any]:
        """Forget a model; its archive stays."""
        self.registry.forget("DeleteModel", "Model", request)
        return {}

    def create_transform_job(self, **request: Any) -> dict[str, Any]:
        """Start a batch transform job; as on AWS the call returns at once."""
        check("CreateTransformJob", request)
        model = self.registry.named("CreateTransformJob", "Model", request["ModelName"])
        check_source("CreateTransformJob", request["TransformInput"]["DataSource"]["S3DataSource"])
        check_path("CreateTransformJob", request["TransformOutput"]["S3OutputPath"])
        job = self.registry.make("TransformJob", request, TransformJobStatus="InProgress")
        job.start(lambda: run_transform(job, self.programs / "serve", model.request))
        return {"TransformJobArn": job.state["TransformJobArn"]}

    def describe_transform_job(self, **request: Any) -> dict[str, Any]:
        """Describe a batch transform job."""
        return self.registry.find("DescribeTransformJob", "TransformJob", request).describe()

    def stop_transform_job(self, **request: Any) -> dict[str, Any]:
        """Stop a batch transform job after the file it is at."""
        self.registry.stop("TransformJob", request)
        return {}

    # Endpoints

    def create_endpoint_config(self, **request: Any) -> dict[str, Any]:
        """Record an endpoint configuration; its first variant is the one that serves."""
        check("CreateEndpointConfig", request)
        for variant in request["ProductionVariants"]:
            self.registry.named("CreateEndpointConfig", "Model", variant["ModelName"])
        return {"EndpointConfigArn": self.registry.make("EndpointConfig", request).state["EndpointConfigArn"]}

    def describe_endpoint_config(self, **request: Any) -> dict[str, Any]:
        """Describe an endpoint configuration."""
        return self.registry.find("DescribeEndpointConfig", "EndpointConfig", request).describe()

    def delete_endpoint_config(self, **request: Any) -> dict[str, Any]:
        """Forget an endpoint configuration."""
        self.registry.forget("DeleteEndpointConfig", "EndpointConfig", request)
        return {}

    def create_endpoint(self, **request: Any) -> dict[str, Any]:
        """Start a model server; as on AWS the call returns at once, and `InService` follows the first good /ping."""
        check("CreateEndpoint", request)
        model, variant = self._served("CreateEndpoint", request["EndpointConfigName"])
        endpoint = self.registry.make("Endpoint", request, EndpointStatus="Creating")
        endpoint.set(ProductionVariants=[{"VariantName": variant["VariantName"]}])
        endpoint.start(lambda: run_endpoint(endpoint, self.programs / "serve", model, variant))
        return {"EndpointArn": endpoint.state["EndpointArn"]}

    def update_endpoint(self, **request: Any) -> dict[str, Any]:
        """Start another server beside the one that serves, which takes over once it is ready and else is dropped."""
        endpoint = self.registry.find("UpdateEndpoint", "Endpoint", request)
        if endpoint.state["EndpointStatus"] != "InService":
            raise refused("UpdateEndpoint", f'Cannot update in-progress endpoint "{endpoint.state["EndpointArn"]}".')
        check_deployment(request)
        config = request["EndpointConfigName"]
        model, variant = self._served("UpdateEndpoint", config)
        endpoint.set(EndpointStatus="Updating")
        endpoint.start(lambda: run_update(endpoint, self.programs / "serve", model, variant, config))
        return {"EndpointArn": endpoint.state["EndpointArn"]}

    def describe_endpoint(self, **request: Any) -> dict[str, Any]:
        """Describe an endpoint; one whose server has died is `Failed`, with the last lines of its log."""
        endpoint = self.registry.find("DescribeEndpoint", "Endpoint", request)
        notice_death(endpoint)
        return endpoint.describe()

    def delete_endpoint(self, **request: Any) -> dict[str, Any]:
        """Stop an endpoint's server and forget it."""
        endpoint = self.registry.find("DeleteEndpoint", "Endpoint", request)
        endpoint.stop.set()
        for program in (endpoint.program, endpoint.coming):
            if program:
                program.stop(SERVER_GRACE_S)
        self.registry.forget("DeleteEndpoint", "Endpoint", request)
        return {}

    # What only this client has

    def opt_ml(self, name: str) -> Path:
        """Return the `/opt/ml` of a job or an endpoint, to look at."""
        return self._any(name).base

    def log(self, name: str) -> str:
        """Return what the program of a job or an endpoint has printed so far."""
        path = self._any(name).log
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    def _served(self, operation: str, config: str) -> tuple[dict[str, Any], dict[str, Any]]:
        variant = self.registry.named(operation, "EndpointConfig", config).request["ProductionVariants"][0]
        return self.registry.named(operation, "Model", variant["ModelName"]).request, variant

    def _any(self, name: str) -> Job:
        found = [job for job in self.registry if job.name == name and job.log.exists()]
        if not found:
            raise KeyError(f"no job or endpoint named {name!r} has run")
        return found[-1]

    def close(self) -> None:
        """Stop every process and remove every `/opt/ml`; may be called twice."""
        self.registry.close(EXIT_GRACE_S)
        shutil.rmtree(self.registry.root, ignore_errors=True)
