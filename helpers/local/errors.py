"""The errors of the local client, in botocore's shape, without botocore."""

from __future__ import annotations

from typing import Any


class ParamValidationError(ValueError):
    """The request itself is malformed; botocore finds this before it sends anything."""

    def __init__(self, report: str) -> None:
        super().__init__(f"Parameter validation failed:\n{report}")


class ClientError(Exception):
    """An error answer of the service: `response["Error"]["Code"]` and `response["Error"]["Message"]`.

    Catch it as `client.exceptions.ClientError`; the same clause works with a client of boto3.
    """

    def __init__(self, error_response: dict[str, Any], operation_name: str) -> None:
        self.response = error_response
        self.operation_name = operation_name
        error = error_response["Error"]
        super().__init__(
            f"An error occurred ({error['Code']}) when calling the {operation_name} operation: {error['Message']}"
        )


class ResourceInUse(ClientError):
    """The name is taken."""


class ModelError(ClientError):
    """The model server refused the request: see `OriginalStatusCode` and `OriginalMessage` in `response`."""


def refused(operation: str, message: str, code: str = "ValidationException") -> ClientError:
    """Return the error that the service gives for a request it cannot accept."""
    kind = ResourceInUse if code == "ResourceInUse" else ClientError
    return kind({"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": 400}}, operation)


def model_error(status: int, body: bytes) -> ModelError:
    """Return the error that InvokeEndpoint gives when the model server answers with `status` (0: no answer)."""
    text = body.decode("utf-8", errors="replace")
    side = "client" if 400 <= status < 500 else "server"
    message = f'Received {side} error ({status}) from primary with message "{text[:1024]}".'
    response = {
        "Error": {"Code": "ModelError", "Message": message},
        "OriginalStatusCode": status,
        "OriginalMessage": text,
        "ResponseMetadata": {"HTTPStatusCode": 424},
    }
    return ModelError(response, "InvokeEndpoint")
