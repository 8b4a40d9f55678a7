"""`Operations`: the part of the local client that runs a model over time: processing jobs, the registry, pipelines."""

# ruff: noqa: ANN401 - boto3's requests and answers are dictionaries of anything

from __future__ import annotations

import copy
import functools
import secrets
from typing import Any

from .checks import check, check_processing
from .errors import refused
from .expressions import Known, parsed
from .files import path_of
from .job import Job, Registry
from .pipeline import Execution, StepFailed, Stopped
from .processing import run_processing

GROUP, PACKAGE, PIPELINE, EXECUTION = "ModelPackageGroup", "ModelPackage", "Pipeline", "PipelineExecution"
PAGE = 10


class Operations:
    """What `LocalClient` has beside jobs and endpoints. The registry lasts as long as the client does."""

    registry: Registry

    # Processing

    def create_processing_job(self, **request: Any) -> dict[str, Any]:
        """Start a processing job; as on AWS the call returns at once."""
        check("CreateProcessingJob", request)
        check_processing(request)
        job = self.registry.make("ProcessingJob", request, ProcessingJobStatus="InProgress")
        job.start(lambda: run_processing(job))
        return {"ProcessingJobArn": job.state["ProcessingJobArn"]}

    def describe_processing_job(self, **request: Any) -> dict[str, Any]:
        """Describe a processing job."""
        return self.registry.find("DescribeProcessingJob", "ProcessingJob", request).describe()

    def stop_processing_job(self, **request: Any) -> dict[str, Any]:
        """Send SIGTERM to a processing job and, 120 seconds later, SIGKILL; its outputs are not kept."""
        self.registry.stop("ProcessingJob", request)
        return {}

    # The registry of models

    def create_model_package_group(self, **request: Any) -> dict[str, Any]:
        """Make a group, whose packages are the versions of one model."""
        check("CreateModelPackageGroup", request)
        group = self.registry.make(GROUP, request, ModelPackageGroupStatus="Completed")
        return {"ModelPackageGroupArn": group.state["ModelPackageGroupArn"]}

    def describe_model_package_group(self, **request: Any) -> dict[str, Any]:
        """Describe a group."""
        return self.registry.find("DescribeModelPackageGroup", GROUP, request).describe()

    def delete_model_package_group(self, **request: Any) -> dict[str, Any]:
        """Forget a group that has no versions any more."""
        group = self.registry.find("DeleteModelPackageGroup", GROUP, request)
        if self._versions(group.name):
            raise refused("DeleteModelPackageGroup", f"The group {group.name} still has versions.", "ConflictException")
        self.registry.forget("DeleteModelPackageGroup", GROUP, request)
        return {}

    def create_model_package(self, **request: Any) -> dict[str, Any]:
        """Record a model as the next version of its group."""
        check("CreateModelPackage", request)
        group = self.registry.named("CreateModelPackage", GROUP, request["ModelPackageGroupName"])
        version = group.state.get("Versions", 0) + 1
        group.set(Versions=version)
        told = {"ModelApprovalStatus": "PendingManualApproval", **request, "ModelPackageVersion": version}
        named = {**told, "ModelPackageName": f"{group.name}/{version}"}
        package = self.registry.make(PACKAGE, named, ModelPackageStatus="Completed")
        del package.request["ModelPackageName"]  # which a version does not tell: it has its group's
        return {"ModelPackageArn": package.state["ModelPackageArn"]}

    def describe_model_package(self, **request: Any) -> dict[str, Any]:
        """Describe a version, by its ARN."""
        check("DescribeModelPackage", request)
        return self._package("DescribeModelPackage", request["ModelPackageName"]).describe()

    def update_model_package(self, **request: Any) -> dict[str, Any]:
        """Approve or reject a version, or change what is noted of it."""
        check("UpdateModelPackage", request)
        package = self._package("UpdateModelPackage", request["ModelPackageArn"])
        noted = {**package.describe().get("CustomerMetadataProperties", {})}
        noted |= request.get("CustomerMetadataProperties", {})
        changes = {name: value for name, value in request.items() if name != "ModelPackageArn"}
        package.set(**{**changes, "CustomerMetadataProperties": noted})
        return {"ModelPackageArn": package.state["ModelPackageArn"]}

    def delete_model_package(self, **request: Any) -> dict[str, Any]:
        """Forget a version; its archive stays."""
        check("DeleteModelPackage", request)
        package = self._package("DeleteModelPackage", request["ModelPackageName"])
        self.registry.remove(PACKAGE, package)
        return {}

    def list_model_packages(self, **request: Any) -> dict[str, Any]:
        """List the versions of a group, the newest first unless SortOrder says otherwise."""
        check("ListModelPackages", request)
        found = self._versions(request["ModelPackageGroupName"])
        status = request.get("ModelApprovalStatus")
        kept = [version.describe() for version in found if status in (None, version.describe()["ModelApprovalStatus"])]
        kept.sort(key=lambda told: told["ModelPackageVersion"], reverse=request.get("SortOrder") != "Ascending")
        return {"ModelPackageSummaryList": kept[: request.get("MaxResults", PAGE)]}

    def _package(self, operation: str, name: str) -> Job:
        return self.registry.named(operation, PACKAGE, name.partition(":model-package/")[2] or name)

    def _versions(self, group: str) -> list[Job]:
        return [job for job in self.registry.of(PACKAGE) if job.request["ModelPackageGroupName"] == group]

    # Pipelines

    def create_pipeline(self, **request: Any) -> dict[str, Any]:
        """Record a pipeline whose definition runs here."""
        check("CreatePipeline", request)
        understood("CreatePipeline", request["PipelineDefinition"])
        made = self.registry.make(PIPELINE, request, PipelineStatus="Active")
        return {"PipelineArn": made.state["PipelineArn"]}

    def update_pipeline(self, **request: Any) -> dict[str, Any]:
        """Replace a pipeline's definition."""
        made = self.registry.find("UpdatePipeline", PIPELINE, request)
        understood("UpdatePipeline", request["PipelineDefinition"])
        made.set(PipelineDefinition=request["PipelineDefinition"])
        return {"PipelineArn": made.state["PipelineArn"]}

    def describe_pipeline(self, **request: Any) -> dict[str, Any]:
        """Describe a pipeline."""
        return self.registry.find("DescribePipeline", PIPELINE, request).describe()

    def delete_pipeline(self, **request: Any) -> dict[str, Any]:
        """Forget a pipeline."""
        arn = self.describe_pipeline(PipelineName=request["PipelineName"])["PipelineArn"]
        self.registry.forget("DeletePipeline", PIPELINE, request)
        return {"PipelineArn": arn}

    def start_pipeline_execution(self, **request: Any) -> dict[str, Any]:
        """Run a pipeline; as on AWS the call returns at once."""
        made = self.registry.find("StartPipelineExecution", PIPELINE, request)
        definition = understood("StartPipelineExecution", made.describe()["PipelineDefinition"])
        values = {each["Name"]: each.get("DefaultValue") for each in definition.get("Parameters", [])}
        given = {each["Name"]: each["Value"] for each in request.get("PipelineParameters", [])}
        lacking = [name for name, value in {**values, **given}.items() if value is None or name not in values]
        if lacking:
            raise refused("StartPipelineExecution", f"Parameters that are unknown or have no value: {lacking}.")
        name = secrets.token_hex(6)
        execution = self.registry.make(
            EXECUTION, {"PipelineExecutionName": f"{made.name}/execution/{name}"}, PipelineExecutionStatus="Executing"
        )
        known = Known({**values, **given}, lambda uri: path_of(uri).read_text(encoding="utf-8"))
        run = Execution(self, name, known, execution.stop.is_set, execution.steps)
        execution.set(PipelineArn=made.state["PipelineArn"])
        execution.start(functools.partial(run_execution, execution, run, definition["Steps"]))
        return {"PipelineExecutionArn": execution.state["PipelineExecutionArn"]}

    def stop_pipeline_execution(self, **request: Any) -> dict[str, Any]:
        """Stop an execution, with the job that it is at."""
        execution = self._execution("StopPipelineExecution", request)
        execution.stop.set()
        return {"PipelineExecutionArn": execution.state["PipelineExecutionArn"]}

    def describe_pipeline_execution(self, **request: Any) -> dict[str, Any]:
        """Describe an execution."""
        return self._execution("DescribePipelineExecution", request).describe()

    def list_pipeline_execution_steps(self, **request: Any) -> dict[str, Any]:
        """List the steps of an execution that have begun, the last first unless SortOrder says otherwise."""
        execution = self._execution("ListPipelineExecutionSteps", request)
        steps = copy.deepcopy(execution.steps)
        return {"PipelineExecutionSteps": steps if request.get("SortOrder") == "Ascending" else steps[::-1]}

    def _execution(self, operation: str, request: dict[str, Any]) -> Job:
        check(operation, request)
        name = request["PipelineExecutionArn"].partition(":pipeline/")[2]
        return self.registry.named(operation, EXECUTION, name)


def understood(operation: str, definition: str) -> dict[str, Any]:
    """Return a definition; raise ClientError for one that does not run here."""
    try:
        return parsed(definition)
    except (KeyError, ValueError) as error:
        raise refused(operation, f"Unable to parse pipeline definition. {error}") from error


def run_execution(job: Job, run: Execution, steps: list[dict[str, Any]]) -> None:
    """Run an execution to its end; whatever happens is in its state, nothing is raised."""
    try:
        run.run(steps)
    except Stopped:
        job.set(PipelineExecutionStatus="Stopped")
    except StepFailed as error:
        job.set(PipelineExecutionStatus="Failed", FailureReason=f"Step failure: {error}")
    else:
        job.set(PipelineExecutionStatus="Succeeded")
