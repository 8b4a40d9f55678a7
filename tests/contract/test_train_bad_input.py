"""`container/train` over input that cannot be used: exit 1, one sentence, nothing in `model/`."""

from __future__ import annotations

import subprocess

import pytest

from tests.contract.bad_jobs import BAD
from tests.contract.jobs import Job, finished

# One of each kind, since most of a process is the start of Python; the unit tests of the program run all of them.
KINDS = [
    "no channel",
    "empty file",
    "parquet called csv",
    "target missing",
    "target misspelt",
    "text in the target",
    "frequency does not fit",
    "horizon too long",
    "unknown hyperparameter",
    "value out of range",
]
AT_ONCE = 3


@pytest.fixture(scope="module")
def refused(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Job, int, str, str]]:
    found: dict[str, tuple[Job, int, str, str]] = {}
    for first in range(0, len(KINDS), AT_ONCE):
        running: dict[str, tuple[Job, subprocess.Popen[str]]] = {}
        for kind in KINDS[first : first + AT_ONCE]:
            job = BAD[kind].put(tmp_path_factory.mktemp("bad"))
            running[kind] = job, job.start()
        found |= {kind: (job, *finished(process)) for kind, (job, process) in running.items()}
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_the_sentence_is_told_in_the_failure_file_and_the_log(
    refused: dict[str, tuple[Job, int, str, str]], kind: str
) -> None:
    job, code, out, err = refused[kind]
    assert code == 1
    assert job.failure.read_text(encoding="utf-8") == f"{BAD[kind].sentence}\n"
    assert err.strip() == BAD[kind].sentence
    assert "Traceback" not in out
    assert job.written == []
