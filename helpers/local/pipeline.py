"""One execution of a pipeline: its steps in the order in which they need each other, as the jobs of any client."""

# ruff: noqa: ANN401 - a client is of one of several libraries

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from .expressions import Known, Step, holds, needs, resolve

JOBS = {"Training": "training_job", "Processing": "processing_job"}
POLL_S = 0.1
Record = dict[str, Any]


class StepFailed(Exception):
    """A step that failed, with the reason."""


class Stopped(Exception):
    """The execution was asked to stop."""


class Execution:
    """The steps of a definition, run by a client; to `records` is added what is told of each, as it starts."""

    def __init__(
        self, client: Any, name: str, known: Known, stopped: Callable[[], bool], records: list[Record]
    ) -> None:
        self._client, self._name, self._known, self._stopped = client, name, known, stopped
        self.records = records

    def run(self, steps: Iterable[Step]) -> None:
        """Run steps to their end, one at a time; those of a branch that is taken join them.

        A step that needs one of a branch not taken is not run.

        Raises:
            StepFailed: a step failed; those after it are not run.
            Stopped: the execution was asked to stop.
        """
        waiting = list(steps)
        done: set[str] = set()
        while ready := [step for step in waiting if needs(step) <= done]:
            if self._stopped():
                raise Stopped
            step = ready[0]
            waiting.remove(step)
            waiting += self._recorded(step)
            done.add(step["Name"])

    def _recorded(self, step: Step) -> list[Step]:
        record: Record = {"StepName": step["Name"], "StartTime": datetime.now(UTC), "StepStatus": "Executing"}
        self.records.append(record)
        try:
            following = self._do(step, record)
        except Exception as error:
            status = "Stopped" if isinstance(error, Stopped) else "Failed"
            record |= {"StepStatus": status, "EndTime": datetime.now(UTC), "FailureReason": said(error)}
            raise error if isinstance(error, Stopped) else StepFailed(f"{step['Name']}: {said(error)}") from error
        record |= {"StepStatus": "Succeeded", "EndTime": datetime.now(UTC)}
        return following

    def _do(self, step: Step, record: Record) -> list[Step]:
        """Do a step, and return those that follow from it."""
        if step["Type"] == "Condition":
            return self._decide(step, record)
        arguments = resolve(step["Arguments"], self._known)
        if step["Type"] == "Fail":
            raise StepFailed(str(arguments["ErrorMessage"]))
        if step["Type"] == "RegisterModel":
            arn = self._client.create_model_package(**arguments)["ModelPackageArn"]
            record["Metadata"] = {"RegisterModel": {"Arn": arn}}
            self._known.steps[step["Name"]] = self._client.describe_model_package(ModelPackageName=arn)
        else:
            self._work(step, arguments, record)
        return []

    def _decide(self, step: Step, record: Record) -> list[Step]:
        true = all(holds(condition, self._known) for condition in step["Arguments"]["Conditions"])
        record["Metadata"] = {"Condition": {"Outcome": str(true)}}
        return list(step["Arguments"].get("IfSteps" if true else "ElseSteps", []))

    def _work(self, step: Step, arguments: dict[str, Any], record: Record) -> None:
        """Run a job to its end, under a name of the platform's making."""
        method, noun = JOBS[step["Type"]], f"{step['Type']}Job"
        name = f"pipelines-{self._name}-{step['Name']}-{secrets.token_hex(5)}"[:63]
        key = {f"{noun}Name": name}
        answer = getattr(self._client, f"create_{method}")(**{**arguments, **key})
        record["Metadata"] = {noun: {"Arn": answer[f"{noun}Arn"]}}
        described = self._ended(lambda: getattr(self._client, f"describe_{method}")(**key), f"{noun}Status")
        if described[f"{noun}Status"] == "InProgress":
            getattr(self._client, f"stop_{method}")(**key)
            raise Stopped
        if described[f"{noun}Status"] != "Completed":
            raise StepFailed(described.get("FailureReason", described[f"{noun}Status"]))
        self._known.steps[step["Name"]] = described
        for file in step.get("PropertyFiles", []):
            place = output_of(described, file["OutputName"])
            self._known.files[f"{step['Name']}.{file['PropertyFileName']}"] = f"{place}/{file['FilePath']}"

    def _ended(self, describe: Callable[[], Record], status: str) -> Record:
        """Return the description of a job once it has ended, or once the execution is to stop."""
        while (described := describe())[status] in ("InProgress", "Stopping") and not self._stopped():
            time.sleep(POLL_S)
        return described


def said(error: Exception) -> str:
    """Return what an error says; of a key that is missing, its name and that it is missing."""
    return f"There is no {error}." if isinstance(error, KeyError) else str(error)


def output_of(described: Record, name: str) -> str:
    """Return where an output of a processing job lies."""
    outputs = {output["OutputName"]: output["S3Output"] for output in described["ProcessingOutputConfig"]["Outputs"]}
    return str(outputs[name]["S3Uri"]).rstrip("/")
