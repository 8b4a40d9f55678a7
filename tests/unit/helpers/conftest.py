"""Two programs that follow the container's contract and nothing else, and a request that trains with them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from helpers import jobs
from helpers.local import LocalClient
from tests.unit.helpers.waiting import ended

# What the program does is said by the hyperparameter `behave`.
TRAIN = """
import json, os, signal, subprocess, sys, time
from pathlib import Path

base = Path(os.environ["SAGEMAKER_BASE_DIR"])
config = {path.stem: json.loads(path.read_text()) for path in (base / "input/config").iterdir()}
behave = config["hyperparameters"].get("behave", "well")
print("metric: validation:MASE=0.91", "metric: validation:MASE=nan", "metric: validation:MASE=0.83", sep="\\n")
(base / "model/seen.json").write_text(json.dumps({"config": config, "environment": dict(os.environ)}))
(base / "output/data/forecasts.csv").write_text("item_id,timestamp,mean\\na,2024-01-01,1.5\\n")

def terminated(*_):
    (base / "model/best_so_far").write_text("saved")
    sys.exit(7)

if behave == "fail":
    (base / "output/failure").write_text("UserError [config]: " + "Unknown hyperparameter. " * 100)
    sys.exit(3)
if behave == "crash":
    sys.exit("it broke")
if behave == "child":
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    (base / "output/data/child").write_text(str(child.pid))
if behave in ("wait", "stubborn"):
    signal.signal(signal.SIGTERM, terminated if behave == "wait" else signal.SIG_IGN)
    print("ready", flush=True)
    time.sleep(60)
"""

# What the program does is said by the variable BEHAVE; it answers a request with the body in capitals.
SERVE = """
import json, os, sys, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

behave = os.environ.get("BEHAVE", "well")
names = sorted(path.name for path in (Path(os.environ["SAGEMAKER_BASE_DIR"]) / "model").iterdir())
print("serving", *names, flush=True)

class Handler(BaseHTTPRequestHandler):
    def reply(self, status, body=b"", kind="text/csv"):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        for name in ("X-Amzn-SageMaker-Custom-Attributes",):
            self.send_header(name, self.headers.get(name, ""))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        if self.path == "/execution-parameters" and behave == "single":
            return self.reply(200, b'{"BatchStrategy": "SINGLE_RECORD", "MaxPayloadInMB": 1}')
        self.reply(200 if self.path == "/ping" and behave != "never" else 404)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if body == b"exit":
            os._exit(5)
        if body == b"environment":
            return self.reply(200, json.dumps(dict(os.environ)).encode())
        if b"bad" in body:
            error = {"code": "data", "message": "No such item.", "remedy": "Ask for another."}
            return self.reply(422, json.dumps(error).encode(), "application/json")
        seen = [self.headers.get("Content-Type", "none"), self.headers.get("Accept", "none")]
        self.reply(200, body.upper() + (" ".join(seen).encode() if behave == "headers" else b""))

if behave == "die":
    sys.exit("the model cannot be read")
ThreadingHTTPServer(("127.0.0.1", int(os.environ["SAGEMAKER_BIND_TO_PORT"])), Handler).serve_forever()
"""


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    folder = tmp_path / "programs"
    folder.mkdir()
    (folder / "train").write_text(TRAIN)
    (folder / "serve").write_text(SERVE)
    return folder


@pytest.fixture
def client(programs: Path) -> Iterator[LocalClient]:
    local = LocalClient(programs)
    yield local
    local.close()


@pytest.fixture
def request_for(tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """A function that returns a training request of a name, over one small channel."""
    (tmp_path / "train").mkdir()
    (tmp_path / "train" / "part.csv").write_text("item_id,timestamp,target\na,2024-01-01,1\n")

    def build(name: str, **hyperparameters: object) -> dict[str, Any]:
        return jobs.training_request(name, {"train": tmp_path / "train"}, tmp_path / "out", hyperparameters)

    return build


@pytest.fixture
def archive(client: LocalClient, request_for: Callable[..., dict[str, Any]]) -> str:
    """The URI of a trained model."""
    client.create_training_job(**request_for("trained"))
    return str(ended(client, "trained")["ModelArtifacts"]["S3ModelArtifacts"])
