"""The invitation to share a job's work: its form, its certificate, and Dask under no settings but our own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from convect.errors import PlatformError
from convect.platform import invitation
from convect.platform.invitation import Invitation, certificate_and_key

CONTAINER = Path(__file__).resolve().parents[3] / "container"


def test_an_invitation_survives_its_message() -> None:
    found = Invitation(8786, *certificate_and_key())
    assert Invitation.of(found.message()) == found
    assert found.certificate.startswith("-----BEGIN CERTIFICATE-----")
    assert found.key.startswith("-----BEGIN PRIVATE KEY-----")


@pytest.mark.parametrize(
    "message",
    [
        None,
        {},
        {"port": "1", "certificate": "c", "key": "k"},
        {"port": 0, "certificate": "c", "key": "k"},
        {"port": 65536, "certificate": "c", "key": "k"},
        {"port": 1, "certificate": "c", "key": None},
    ],
)
def test_anything_else_is_refused(message: object) -> None:
    with pytest.raises(PlatformError, match="The leader's invitation is not understood"):
        Invitation.of(message)


def test_each_job_has_a_key_of_its_own() -> None:
    first, second = certificate_and_key(), certificate_and_key()
    assert set(first).isdisjoint(second)


@pytest.mark.parametrize("program", ["openssl-that-is-not-there", "false"])
def test_without_openssl_the_job_says_so(program: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(invitation, "_OPENSSL", (program,))
    with pytest.raises(PlatformError, match=r"The program openssl, which makes the key .* does not work"):
        certificate_and_key()


UNDER_OTHER_SETTINGS = """
import logging, os, sys
from convect.platform.invitation import prepare_dask
prepare_dask()
import dask
print(dask.config.get("distributed.scheduler.worker-saturation"), dask.config.get("distributed.worker.preload"))
logging.getLogger("distributed.worker").error("item 7 sold 12")
"""


def test_settings_of_others_are_not_read_and_nothing_is_logged(tmp_path: Path) -> None:
    (tmp_path / "any.yaml").write_text("distributed: {worker: {preload: [os]}, scheduler: {worker-saturation: 9}}\n")
    environment = {
        "PYTHONPATH": str(CONTAINER),
        "DASK_CONFIG": str(tmp_path),
        "DASK_DISTRIBUTED__WORKER__PRELOAD": "['os']",
        "HOME": str(tmp_path),
    }
    command = [sys.executable, "-c", UNDER_OTHER_SETTINGS]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("1.0 []\n", "")


ON_ONE_HOST = """
import sys
import convect.platform.training, convect.serving.server
print([name for name in ("dask", "distributed", "tornado") if name in sys.modules])
"""


def test_one_host_and_the_server_load_no_dask() -> None:
    command = [sys.executable, "-c", ON_ONE_HOST]
    done = subprocess.run(command, env={"PYTHONPATH": str(CONTAINER)}, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
