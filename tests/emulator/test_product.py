"""The product itself through the emulator: the helpers, unchanged, on an instance type of AWS.

Once with the programs as processes, and once, where a Docker engine answers, as containers of the image.
"""

from __future__ import annotations

import io
import json
import re
import tarfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from helpers import account, jobs
from tests.emulator import Emulator, running

ROOT = Path(__file__).resolve().parents[2]
LOCAL_TEST, HELPERS = ROOT / "container" / "local_test" / "test_dir", ROOT / "helpers"
HORIZON = 7
RUNNERS = ("processes", "docker")


@pytest.fixture(scope="module", params=RUNNERS)
def emulator(request: pytest.FixtureRequest) -> Iterator[Emulator]:
    image = request.getfixturevalue("image") if request.param == "docker" else ""
    with running(request.param, registry=False) as found, pytest.MonkeyPatch.context() as patch:
        for name, value in found.environment.items():
            patch.setenv(name, value)
        if image:
            found.publish(image)
        yield found


@pytest.fixture(scope="module")
def clients(emulator: Emulator) -> tuple[Any, Any]:
    return account.clients("ml.m5.xlarge")


@pytest.fixture(scope="module")
def options(emulator: Emulator) -> dict[str, str]:
    return {"image": emulator.image, "role": emulator.role, "instance_type": "ml.m5.xlarge"}


@pytest.fixture(scope="module")
def trained(emulator: Emulator, clients: tuple[Any, Any], options: dict[str, str]) -> dict[str, Any]:
    table = LOCAL_TEST / "input/data/train/daily_departures.csv"
    emulator.client("s3").upload_file(str(table), emulator.bucket, "data/daily.csv")
    request = jobs.training_request(
        jobs.unique_name("daily"),
        {"train": f"s3://{emulator.bucket}/data/daily.csv"},
        f"s3://{emulator.bucket}/out",
        {"horizon": HORIZON, "preset": "fast"},
        **options,
    )
    return dict(jobs.train(clients[0], request))


def test_training_leaves_metrics_and_forecasts(trained: dict[str, Any], tmp_path: Path) -> None:
    metrics = {metric["MetricName"]: metric["Value"] for metric in trained["FinalMetricDataList"]}
    assert 0 < metrics["validation:MASE"] < 3
    forecasts = pd.read_csv(jobs.download_output(trained, tmp_path)["forecasts.csv"])
    assert (forecasts.groupby("item_id").size() == HORIZON).all()


@pytest.mark.parametrize("mode", ["File", "Pipe"])
def test_two_hosts_that_share_the_data_make_the_model_of_one(
    emulator: Emulator,
    clients: tuple[Any, Any],
    options: dict[str, str],
    trained: dict[str, Any],
    tmp_path: Path,
    mode: str,
) -> None:
    table = pd.read_csv(LOCAL_TEST / "input/data/train/daily_departures.csv")
    for number in range(2):  # half of the days of every series each
        half = table.iloc[number::2].to_csv(index=False).encode()
        emulator.client("s3").put_object(Bucket=emulator.bucket, Key=f"halves/{number}.csv", Body=half)
    places = {"train": f"s3://{emulator.bucket}/halves/"}
    settings = {"horizon": HORIZON, "preset": "fast"}
    name = jobs.unique_name("halves")
    request = jobs.training_request(name, places, f"s3://{emulator.bucket}/out", settings, **options)
    request = jobs.on_hosts(request, 2, sharded="train")
    request["InputDataConfig"][0]["InputMode"] = mode
    job = jobs.train(clients[0], request)
    found, told = (pd.read_csv(forecasts_of(one, tmp_path / one["TrainingJobName"])) for one in (job, trained))
    pd.testing.assert_frame_equal(found, told, rtol=1e-9)


def forecasts_of(job: dict[str, Any], folder: Path) -> Path:
    return Path(jobs.download_output(job, folder)["forecasts.csv"])


@pytest.mark.parametrize("hosts", [1, 2])
def test_a_spot_job_that_is_interrupted_ends_with_the_model_of_one_that_is_not(
    emulator: Emulator, clients: tuple[Any, Any], options: dict[str, str], trained: dict[str, Any], hosts: int
) -> None:
    name, bucket = jobs.unique_name("spot"), emulator.bucket
    places = {"train": f"s3://{bucket}/data/daily.csv"}
    settings = {"horizon": HORIZON, "preset": "fast"}
    request = jobs.training_request(name, places, f"s3://{bucket}/out", settings, max_runtime_s=600, **options)
    request = jobs.on_hosts(jobs.on_spot(request, 1200, f"s3://{bucket}/checkpoints/{name}"), hosts)
    with ThreadPoolExecutor(1) as aside:
        waiting = aside.submit(jobs.train, clients[0], request)
        while not waiting.done() and not logged(emulator, name, "data: "):
            time.sleep(0.05)
        emulator.interrupt(name)
        job = waiting.result()
    assert [step["Status"] for step in job["SecondaryStatusTransitions"]].count("Interrupted") == 1
    found, every = logged(emulator, name, r"checkpoint: (\d+) of (\d+) units found")[-1]
    assert 0 < int(found) <= int(every)
    assert members(emulator, job) == members(emulator, trained)


def logged(emulator: Emulator, job: str, pattern: str) -> list[Any]:
    """What a pattern finds in the logs of a job, that of its latest life last."""
    logs, group = emulator.client("logs"), "/aws/sagemaker/TrainingJobs"
    try:
        streams = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=job)["logStreams"]
    except logs.exceptions.ResourceNotFoundException:
        return []
    names = sorted(stream["logStreamName"] for stream in streams)
    pages = [logs.get_log_events(logGroupName=group, logStreamName=name)["events"] for name in names]
    return [found for page in pages for event in page for found in re.findall(pattern, event["message"])]


def members(emulator: Emulator, job: dict[str, Any]) -> dict[str, bytes]:
    """The files of a job's model."""
    bucket, _, key = job["ModelArtifacts"]["S3ModelArtifacts"].removeprefix("s3://").partition("/")
    content = emulator.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        files = [member for member in archive.getmembers() if member.isfile()]
        return {Path(file.name).name: archive.extractfile(file).read() for file in files}  # type: ignore[union-attr]


def test_a_model_is_fitted_to_what_comes_through_pipes_and_scored(
    emulator: Emulator, trained: dict[str, Any], clients: tuple[Any, Any], options: dict[str, str], tmp_path: Path
) -> None:
    """Two objects through a FIFO, the earlier job's archive as channel `model`, what happened then as `test`."""
    frame = pd.read_csv(LOCAL_TEST / "input/data/train/daily_departures.csv")
    days = sorted(frame["timestamp"].unique())
    known = frame[frame["timestamp"] <= days[-HORIZON - 1]]
    for number, items in enumerate(("EWR", "JFK")):
        body = known[known["item_id"].str.startswith(items)].to_csv(index=False)
        emulator.client("s3").put_object(Bucket=emulator.bucket, Key=f"parts/{number}.csv", Body=body)
    emulator.client("s3").put_object(Bucket=emulator.bucket, Key="whole/all.csv", Body=frame.to_csv(index=False))
    request = jobs.training_request(
        jobs.unique_name("refit"),
        {
            "train": f"s3://{emulator.bucket}/parts/",
            "test": f"s3://{emulator.bucket}/whole/",
            "model": trained["ModelArtifacts"]["S3ModelArtifacts"],
        },
        f"s3://{emulator.bucket}/out",
        **options,
    )
    request["InputDataConfig"][0]["InputMode"] = "Pipe"
    done = jobs.train(clients[0], request)
    metrics = {metric["MetricName"]: metric["Value"] for metric in done["FinalMetricDataList"]}
    assert 0 < metrics["test:MASE"] < 3
    assert not [name for name in metrics if name.startswith("validation:")]
    outputs = jobs.download_output(done, tmp_path)
    forecasts = pd.read_csv(outputs["forecasts.csv"])
    assert set(forecasts["item_id"].str[:3]) == {"EWR", "JFK"}
    assert forecasts["timestamp"].max() == days[-1]
    assert "leaderboard.csv" not in outputs


def test_an_endpoint_says_what_training_forecast(
    trained: dict[str, Any], clients: tuple[Any, Any], options: dict[str, str], tmp_path: Path
) -> None:
    name = jobs.unique_name("daily")
    artifact = trained["ModelArtifacts"]["S3ModelArtifacts"]
    described = jobs.deploy(clients[0], jobs.endpoint_requests(name, artifact, **options))
    assert described["EndpointStatus"] == "InService"
    answer = pd.read_csv(io.StringIO(jobs.invoke(clients[1], name, {})))
    told = pd.read_csv(jobs.download_output(trained, tmp_path)["forecasts.csv"])
    keys = ["item_id", "timestamp"]
    both = answer.astype({"item_id": str}).merge(told.astype({"item_id": str}), on=keys, suffixes=("", "_told"))
    assert len(both) == len(told) == len(answer)
    assert both["mean"].to_numpy() == pytest.approx(both["mean_told"].to_numpy(), rel=1e-8)
    with pytest.raises(jobs.InvocationFailed, match="nonsense") as caught:
        jobs.invoke(clients[1], name, {"nonsense": 1})
    assert caught.value.status == 400
    assert jobs.delete(clients[0], name) == ["endpoint", "endpoint_config", "model"]


def test_a_file_is_transformed_whole(
    emulator: Emulator, trained: dict[str, Any], clients: tuple[Any, Any], options: dict[str, str]
) -> None:
    s3 = emulator.client("s3")
    s3.upload_file(str(LOCAL_TEST / "payload.csv"), emulator.bucket, "in/payload.csv")
    requests = jobs.transform_requests(
        jobs.unique_name("daily"),
        trained["ModelArtifacts"]["S3ModelArtifacts"],
        f"s3://{emulator.bucket}/in/",
        f"s3://{emulator.bucket}/answers",
        content_type="text/csv",
        **options,
    )
    assert jobs.transform(clients[0], requests)["TransformJobStatus"] == "Completed"
    answer = pd.read_csv(s3.get_object(Bucket=emulator.bucket, Key="answers/payload.csv.out")["Body"])
    assert len(answer) == HORIZON * answer["item_id"].nunique() > 0


def test_a_processing_job_looks_at_what_came(
    emulator: Emulator, trained: dict[str, Any], clients: tuple[Any, Any], options: dict[str, str], tmp_path: Path
) -> None:
    """The program that looks, in the image; what came is made up: twice the forecast."""
    forecasts = pd.read_csv(forecasts_of(trained, tmp_path))
    came = forecasts[["item_id", "timestamp"]].assign(target=2 * forecasts["mean"])
    place = f"s3://{emulator.bucket}/look"
    for name, table in {"forecasts": forecasts, "actuals": came}.items():
        table.to_csv(tmp_path / f"{name}.csv", index=False)
        jobs.put(tmp_path / f"{name}.csv", f"{place}/{name}.csv")
    inputs = {name: f"{place}/{name}.csv" for name in ("forecasts", "actuals")}
    inputs["backtest"] = jobs.artifact_uri(trained).replace("model.tar.gz", "output.tar.gz")
    code = jobs.put(HELPERS / "monitor", f"{place}/code/monitor").removesuffix("/monitor")
    shut_in = {**options, "security": jobs.Security(isolated=True)}
    request = jobs.processing_request(jobs.unique_name("look"), code, "monitor", inputs, f"{place}/out", **shut_in)
    assert jobs.process(clients[0], request)["ProcessingJobStatus"] == "Completed"
    decision = json.loads(jobs.fetch(f"{place}/out/decision.json", tmp_path).read_text())
    items = pd.read_csv(jobs.fetch(f"{place}/out/items.csv", tmp_path))
    assert items["item_id"].nunique() == forecasts["item_id"].nunique()
    assert items["bias"].tolist() == pytest.approx([-0.5] * len(items), abs=1e-6)
    assert decision["reason"].startswith("All series: the error is ")


def test_a_job_that_fails_says_why_with_its_log(
    emulator: Emulator, clients: tuple[Any, Any], options: dict[str, str]
) -> None:
    emulator.client("s3").put_object(Bucket=emulator.bucket, Key="bad/x.csv", Body=b"a,b\n1,2\n")
    channels = {"train": f"s3://{emulator.bucket}/bad/"}
    request = jobs.training_request(jobs.unique_name("bad"), channels, f"s3://{emulator.bucket}/out", {}, **options)
    with pytest.raises(jobs.JobFailed, match="AlgorithmError: UserError") as caught:
        jobs.train(clients[0], request)
    assert caught.value.reason.endswith(", exit code: 1")
    assert caught.value.log
