"""Role, place and image: trivial on this machine, found in the account on AWS, each fault in a sentence."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from helpers import account
from helpers.account.errors import told

moto = pytest.importorskip("moto")
boto3 = pytest.importorskip("boto3")
botocore = pytest.importorskip("botocore.exceptions")

ML, ACCOUNT = "ml.m5.xlarge", "123456789012"


@pytest.fixture(autouse=True)
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An empty account in eu-west-1."""
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    with moto.mock_aws():
        yield


def make_role(name: str, service: str = "sagemaker.amazonaws.com", path: str = "/") -> str:
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    made = boto3.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=policy, Path=path)
    return str(made["Role"]["Arn"])


def test_on_this_machine_nothing_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boto3, "Session", lambda **_: pytest.fail("AWS was asked"))
    assert account.role("local") == "arn:aws:iam::000000000000:role/local"
    assert account.place("local", "a-bucket", "../build/x") == "../build/x"
    assert account.image("local", "mine") == "mine"


def test_a_role_that_sagemaker_may_assume_is_found() -> None:
    make_role("ALambda", "lambda.amazonaws.com")
    second = make_role("SageMakerB", path="/service-role/")
    first = make_role("SageMakerA")
    assert account.role(ML) == first
    assert account.role(ML, "SageMakerB") == second
    assert account.role(ML, "arn:aws:iam::1:role/given") == "arn:aws:iam::1:role/given"


def test_the_role_of_these_credentials_comes_first() -> None:
    make_role("AFirst")
    own = make_role("Studio", path="/service-role/")
    given = boto3.client("sts").assume_role(RoleArn=own, RoleSessionName="session")["Credentials"]
    names = {"AWS_ACCESS_KEY_ID": "AccessKeyId", "AWS_SECRET_ACCESS_KEY": "SecretAccessKey"}
    with pytest.MonkeyPatch.context() as patch:
        for variable, key in {**names, "AWS_SESSION_TOKEN": "SessionToken"}.items():
            patch.setenv(variable, given[key])
        assert account.role(ML) == own


def test_without_a_role_the_remedy_is_said() -> None:
    make_role("ALambda", "lambda.amazonaws.com")
    with pytest.raises(
        account.AccountError, match=r"No role was found that SageMaker may assume: make one .* set ROLE"
    ):
        account.role(ML)
    with pytest.raises(account.AccountError, match="The role 'nobody' does not exist in this account"):
        account.role(ML, "nobody")


@pytest.mark.parametrize("region", ["eu-west-1", "us-east-1"])
def test_the_default_bucket_is_made_once(region: str) -> None:
    name = f"sagemaker-{region}-{ACCOUNT}"
    for _ in range(2):
        assert account.place(ML, "", "../build/remote", region) == f"s3://{name}/convect/remote"
    assert [bucket["Name"] for bucket in boto3.client("s3").list_buckets()["Buckets"]] == [name]


def test_a_bucket_that_is_named_is_never_made() -> None:
    with pytest.raises(account.AccountError, match="The bucket 'mine-alone' does not exist: make it, or leave BUCKET"):
        account.place(ML, "mine-alone", "x")
    assert boto3.client("s3").list_buckets()["Buckets"] == []


def test_a_bucket_of_somebody_else_is_not_used() -> None:
    class S3:
        exceptions = type("exceptions", (), {"ClientError": botocore.ClientError})

        def head_bucket(self, **asked: Any) -> None:
            assert asked == {"Bucket": "b", "ExpectedBucketOwner": ACCOUNT}
            raise botocore.ClientError({"Error": {"Code": "403"}}, "HeadBucket")

    from helpers.account.defaults import find_bucket

    with pytest.raises(account.AccountError, match="The bucket 'b' is not yours to read: set BUCKET"):
        find_bucket(S3(), "b", ACCOUNT)


def test_the_image_is_what_ecr_says_it_is() -> None:
    with pytest.raises(account.AccountError, match="ECR has no repository 'mine': run 01_build_and_push"):
        account.image(ML, "mine")
    made = boto3.client("ecr").create_repository(repositoryName="mine")["repository"]
    assert account.image(ML, "mine") == f"{made['repositoryUri']}:latest"
    assert account.image(ML, "mine", "abc").endswith("/mine:abc")
    boto3.client("ecr").create_repository(repositoryName="team/mine")
    assert account.image(ML, "team/mine").endswith("amazonaws.com/team/mine:latest")


@pytest.mark.parametrize("uri", ["1.dkr.ecr.eu-west-1.amazonaws.com/mine@sha256:1", "localhost:5000/team/mine:1"])
def test_a_full_uri_is_taken_as_it_is(uri: str) -> None:
    assert account.image(ML, uri) == uri


@pytest.mark.parametrize(
    ("error", "remedy"),
    [
        (botocore.NoCredentialsError(), "run 'aws configure'"),
        (botocore.EndpointConnectionError(endpoint_url="http://x"), "Check network and proxy"),
        (botocore.ClientError({"Error": {"Code": "ExpiredToken", "Message": "m"}}, "Op"), "log in again"),
        (botocore.ClientError({"Error": {"Code": "InvalidClientTokenId"}}, "Op"), "AWS does not know these"),
        (botocore.ClientError({"Error": {"Code": "AccessDenied"}}, "Op"), "the policy under 'Permissions'"),
    ],
)
def test_what_aws_says_becomes_a_sentence_with_its_remedy(error: Exception, remedy: str) -> None:
    with pytest.raises(account.AccountError, match=remedy) as caught, told("Looking"):
        raise error
    assert str(caught.value).startswith("Looking failed: ")
    assert ".." not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_other_errors_are_not_dressed_up() -> None:
    with pytest.raises(KeyError), told("Looking"):
        raise KeyError("mine")
