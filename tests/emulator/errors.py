"""The errors of the service, in the shape in which boto3 raises them as ClientError."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError


class ServiceError(Exception):
    """An error answer: AWS's code, its sentence, the HTTP status, and further members of the answer."""

    def __init__(self, code: str, message: str, status: int = 400, **members: Any) -> None:
        super().__init__(message)
        self.code, self.message, self.status, self.members = code, message, status, members

    @property
    def body(self) -> dict[str, Any]:
        return {"__type": self.code, "message": self.message, "Message": self.message, **self.members}


@contextlib.contextmanager
def already(code: str) -> Iterator[None]:
    """Let what is to be made be there already.

    The classes in a client's `exceptions` will not do: two threads that first ask for them may get different ones.
    """
    try:
        yield
    except ClientError as error:
        if error.response["Error"]["Code"] != code:
            raise


class JobError(Exception):
    """What ends a job: the sentence that becomes its FailureReason."""


def invalid(message: str) -> ServiceError:
    return ServiceError("ValidationException", message)


def not_emulated(what: str) -> ServiceError:
    """The error of something that AWS can do and this emulator cannot; never to be taken for a word of AWS."""
    return ServiceError("EmulatorDoesNotCover", f"{what}: not covered by the emulator, see tests/emulator/README.md.")
