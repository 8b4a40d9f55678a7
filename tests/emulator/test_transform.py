"""Batch transform jobs: what reaches the server, what is written, and how a job ends."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError


def request(desk: Any, model: str, source: str, **changes: Any) -> dict[str, Any]:
    name = desk.name("transform")
    data = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": source}}
    return {
        "TransformJobName": name,
        "ModelName": model,
        "TransformInput": {"DataSource": data, "ContentType": "text/csv", **changes.pop("input", {})},
        "TransformOutput": {"S3OutputPath": desk.uri(name), "Accept": "text/csv", **changes.pop("output", {})},
        "TransformResources": {"InstanceType": "ml.m5.xlarge", "InstanceCount": 1},
        **changes,
    }


def transform(desk: Any, model: str, source: str, **changes: Any) -> dict[str, Any]:
    sent = request(desk, model, source, **changes)
    desk.sagemaker.create_transform_job(**sent)
    name = sent["TransformJobName"]
    return desk.until("transform_job", lambda job: job["TransformJobStatus"] not in ("InProgress", "Stopping"), name)


def output(desk: Any, job: dict[str, Any], name: str) -> bytes:
    return desk.get(f"{job['TransformOutput']['S3OutputPath']}/{name}.out")


def test_each_object_becomes_one_with_out_at_its_end(desk: Any) -> None:
    desk.put("whole/a/x.csv", "1,2\n3,4\n")
    desk.put("whole/y.csv", "5,6\n")
    job = transform(desk, desk.model(), desk.uri("whole/"), Environment={"COLOUR": "red"})
    assert job["TransformJobStatus"] == "Completed"
    assert desk.keys(f"{job['TransformJobName']}/") == ["a/x.csv.out", "y.csv.out"]
    seen = json.loads(output(desk, job, "a/x.csv"))
    assert seen["body"] == "1,2\n3,4\n"
    assert (seen["headers"]["content-type"], seen["headers"]["accept"]) == ("text/csv", "text/csv")
    assert seen["model"] == ["algo-1.json"]
    assert (seen["environment"]["COLOUR"], seen["environment"]["SAGEMAKER_BATCH"]) == ("red", "true")
    assert "SAGEMAKER_BATCH_STRATEGY" not in seen["environment"]
    assert "asked 8 bytes" in desk.log("/aws/sagemaker/TransformJobs", job["TransformJobName"])


def test_the_settings_of_a_job_reach_the_server(desk: Any) -> None:
    desk.put("set/x.csv", "1\n")
    changes = {"BatchStrategy": "SingleRecord", "MaxPayloadInMB": 3, "MaxConcurrentTransforms": 2}
    job = transform(desk, desk.model(), desk.uri("set/"), **changes)
    seen = json.loads(output(desk, job, "x.csv"))["environment"]
    names = ("SAGEMAKER_BATCH_STRATEGY", "SAGEMAKER_MAX_PAYLOAD_IN_MB", "SAGEMAKER_MAX_CONCURRENT_TRANSFORMS")
    assert [seen[name] for name in names] == ["SINGLE_RECORD", "3", "2"]


@pytest.mark.parametrize(
    ("parameters", "strategy", "requests"),
    [
        ({}, None, 1),
        ({"BatchStrategy": "SINGLE_RECORD"}, None, 3),
        ({"BatchStrategy": "SINGLE_RECORD"}, "MultiRecord", 1),
        ({"MaxConcurrentTransforms": 3}, "SingleRecord", 3),
    ],
)
def test_lines_are_batched_as_the_request_the_server_or_the_default_says(
    desk: Any, parameters: dict[str, Any], strategy: str | None, requests: int
) -> None:
    desk.put("lines/x.jsonl", '{"a": 1}\n{"a": 22}\n{"a": 333}\n')
    model = desk.model(DO="lines", PARAMETERS=json.dumps(parameters))
    lines = {"input": {"SplitType": "Line"}, "output": {"AssembleWith": "Line"}}
    chosen = {"BatchStrategy": strategy} if strategy else {}
    job = transform(desk, model, desk.uri("lines/"), **lines, **chosen)
    assert output(desk, job, "x.jsonl").decode() == '{"size": 8}\n{"size": 9}\n{"size": 10}\n'
    asked = [line for line in desk.log("/aws/sagemaker/TransformJobs", job["TransformJobName"]) if "asked" in line]
    assert len(asked) == requests


def test_gzip_is_undone_and_no_limit_means_chunks(desk: Any) -> None:
    desk.put("zip/x.csv.gz", gzip.compress(b"1,2\n"))
    job = transform(desk, desk.model(), desk.uri("zip/"), input={"CompressionType": "Gzip"}, MaxPayloadInMB=0)
    seen = json.loads(output(desk, job, "x.csv.gz"))
    assert seen["body"] == "1,2\n"
    assert seen["headers"]["transfer-encoding"] == "chunked"


def test_answers_are_joined_with_their_records(desk: Any) -> None:
    desk.put("join/x.csv", "7,a,b\n8,c,d\n")
    job = transform(
        desk,
        desk.model(DO="columns"),
        desk.uri("join/"),
        input={"SplitType": "Line"},
        output={"AssembleWith": "Line"},
        DataProcessing={"InputFilter": "$[1:]", "JoinSource": "Input", "OutputFilter": "$[0,-1]"},
    )
    assert output(desk, job, "x.csv") == b"7,2\n8,2\n"


def test_one_refused_request_fails_the_job_and_the_other_files_are_kept(desk: Any) -> None:
    desk.put("mixed/1.csv", "bad\n")
    desk.put("mixed/2.csv", "good\n")
    job = transform(desk, desk.model(), desk.uri("mixed/"))
    assert job["TransformJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("ClientError: See job logs for more information: 1.csv: Bad HTTP status")
    assert "400" in job["FailureReason"]
    assert desk.keys(f"{job['TransformJobName']}/") == ["2.csv.out"]
    log = desk.log("/aws/sagemaker/TransformJobs", job["TransformJobName"])
    assert [line for line in log if "mixed/1.csv: Bad HTTP status received from algorithm: 400" in line]


@pytest.mark.parametrize(("retries", "asked"), [(0, 1), (2, 3)])
def test_a_server_error_is_tried_again(desk: Any, retries: int, asked: int) -> None:
    desk.put("broken/x.csv", "broken\n")
    client = {"InvocationsMaxRetries": retries, "InvocationsTimeoutInSeconds": 5}
    job = transform(desk, desk.model(), desk.uri("broken/"), ModelClientConfig=client)
    assert job["TransformJobStatus"] == "Failed"
    log = desk.log("/aws/sagemaker/TransformJobs", job["TransformJobName"])
    assert len([line for line in log if line.startswith("asked")]) == asked


def test_a_server_that_does_not_start_fails_the_job(desk: Any) -> None:
    desk.put("exit/x.csv", "1\n")
    job = transform(desk, desk.model(DO="exit"), desk.uri("exit/"))
    assert job["FailureReason"].startswith("AlgorithmError: The container did not answer /ping with 200: it exited.")


def test_a_stopped_job_leaves_nothing_for_files_not_done(desk: Any) -> None:
    desk.put("stop/x.csv", "slow\n")
    sent = request(desk, desk.model(), desk.uri("stop/"))
    name = sent["TransformJobName"]
    desk.sagemaker.create_transform_job(**sent)
    desk.sagemaker.stop_transform_job(TransformJobName=name)
    job = desk.until("transform_job", lambda job: job["TransformJobStatus"] not in ("InProgress", "Stopping"), name)
    assert job["TransformJobStatus"] == "Stopped"
    with pytest.raises(ClientError, match="because the transform job is in status Stopped"):
        desk.sagemaker.stop_transform_job(TransformJobName=name)
    assert desk.keys(f"{name}/") == []
    assert desk.sagemaker.list_transform_jobs(StatusEquals="Stopped")["TransformJobSummaries"]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"MaxPayloadInMB": 60, "MaxConcurrentTransforms": 2}, "must be at most 100 MB"),
        ({"DataProcessing": {"InputFilter": "id"}}, "Invalid JSONPath expression: id"),
        ({"ModelName": "absent"}, "Could not find model"),
        ({"output": {"S3OutputPath": "s3://no-such-bucket-here/x"}}, "ensure that the bucket exists"),
        ({"input": {"SplitType": "Word"}}, "Member must satisfy enum value set"),
    ],
)
def test_a_bad_request_is_refused(desk: Any, changes: dict[str, Any], sentence: str) -> None:
    desk.put("refused/x.csv", "1\n")
    with pytest.raises(ClientError, match=sentence):
        desk.sagemaker.create_transform_job(**request(desk, desk.model(), desk.uri("refused/"), **changes))
