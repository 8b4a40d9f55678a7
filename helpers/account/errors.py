"""What can be wrong with an account, each told in one sentence with its remedy."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

REMEDIES = (
    (r"NoCredentials", "No AWS credentials were found: run 'aws configure', or start from a role that has them."),
    (r"ExpiredToken|Expired", "The AWS credentials have expired: log in again."),
    (r"InvalidClientTokenId|UnrecognizedClient|SignatureDoesNotMatch", "AWS does not know these credentials: log in."),
    (
        r"EndpointConnection|ConnectTimeout|ReadTimeout|ProxyConnection",
        "Check network and proxy, and AWS_ENDPOINT_URL.",
    ),
    (r"AccessDenied|Forbidden|\(403\)", "Give yourself the policy under 'Permissions' in README.md."),
)


class AccountError(RuntimeError):
    """No client can be made, or nothing found by default; the sentence says why and what to do."""


@contextmanager
def told(doing: str) -> Iterator[None]:
    """Turn an error of boto3 while `doing` something into an AccountError; errors of other kinds pass.

    Raises:
        AccountError: what was being done, what AWS said, and the remedy where one is known.
    """
    try:
        yield
    except Exception as error:
        if not type(error).__module__.startswith("botocore"):
            raise
        said = f"{type(error).__name__}: {error}"
        remedy = next((sentence for pattern, sentence in REMEDIES if re.search(pattern, said)), "")
        raise AccountError(f"{doing} failed: {error}. {remedy}".replace("..", ".").strip()) from error


def code_of(error: Exception) -> str:
    """Return the error code that AWS gave, or "" for any other error."""
    return str(getattr(error, "response", {}).get("Error", {}).get("Code", ""))
