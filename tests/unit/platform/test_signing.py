"""Signed requests, held against botocore's own signer."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import botocore.auth
import pytest
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as Theirs
from hypothesis import given, settings
from hypothesis import strategies as st

from convect.errors import PlatformError
from convect.platform.signing import Credentials, credentials, signed

NOW = datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC)
WHO = Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "token/with+signs=")


def theirs(method: str, url: str, body: bytes, headers: dict[str, str], who: Credentials) -> str:
    signer = botocore.auth.SigV4Auth(Theirs(who.key, who.secret, who.token or None), "sagemaker-mlflow", "eu-west-1")
    digest = hashlib.sha256(body).hexdigest()
    request: Any = AWSRequest(method, url, data=body, headers={**headers, "X-Amz-Content-SHA256": digest})
    signer.add_auth(request)
    return str(request.headers["Authorization"])


@pytest.fixture(autouse=True)
def frozen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda *_: NOW.replace(tzinfo=None))


def ours(method: str, url: str, body: bytes, headers: dict[str, str], who: Credentials) -> str:
    return signed(method, url, body, headers, who, "eu-west-1", "sagemaker-mlflow", NOW)["Authorization"]


@pytest.mark.parametrize("who", [WHO, Credentials(WHO.key, WHO.secret)], ids=["role", "user"])
@pytest.mark.parametrize(
    ("method", "url", "body"),
    [
        ("POST", "https://eu-west-1.experiments.sagemaker.aws/api/2.0/mlflow/runs/create", b'{"a": 1}'),
        ("GET", "https://a.aws/api/2.0/mlflow/experiments/get-by-name?experiment_name=a%20b%2Fc&x=", b""),
        ("GET", "https://a.aws", b""),
    ],
)
def test_the_proof_is_botocore_s(method: str, url: str, body: bytes, who: Credentials) -> None:
    headers = {"Content-Type": "application/json", "x-mlflow-sm-tracking-server-arn": "arn:aws:sagemaker:x"}
    assert ours(method, url, body, dict(headers), who) == theirs(method, url, body, dict(headers), who)


@given(st.binary(max_size=40), st.text("ab -_.~/=&%+ä", max_size=12), st.text("ab  c", max_size=8))
@settings(max_examples=40, deadline=None)
def test_any_name_and_body(body: bytes, name: str, value: str) -> None:
    url = f"https://a.aws/api/2.0/mlflow/experiments/get-by-name?experiment_name={quote(name, safe='')}"
    headers = {"x-header": value}
    assert ours("POST", url, body, headers, WHO) == theirs("POST", url, body, headers, WHO)


def test_the_variables_of_the_container_come_first() -> None:
    env = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/v2/x"}
    assert credentials(env) == Credentials("a", "b", "")
    assert credentials({**env, "AWS_SESSION_TOKEN": "c"}).token == "c"


@pytest.mark.parametrize("env", [{}, {"AWS_ACCESS_KEY_ID": "a"}, {"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "@evil"}])
def test_without_credentials(env: dict[str, str]) -> None:
    with pytest.raises(PlatformError, match=r"The container has no AWS credentials\."):
        credentials(env)
