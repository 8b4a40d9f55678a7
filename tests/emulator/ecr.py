"""A real image registry on loopback, in the place of ECR's; ECR's API stays moto's, and points at it."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import json
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

from .errors import already
from .runners import free_port
from .service import ACCOUNT

PROGRAM = "docker-registry"  # Debian's
START_S = 10.0
MANIFESTS = "application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.manifest.v1+json"
CONFIG = """version: 0.1
storage: {{filesystem: {{rootdirectory: {root}}}, delete: {{enabled: true}}}}
http: {{addr: "127.0.0.1:{port}"}}
log: {{level: error}}
"""


def installed() -> bool:
    return shutil.which(PROGRAM) is not None


class Registry:
    """The registry's process; `address` is what stands before the slash of an image's name."""

    def __init__(self, root: Path) -> None:
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"
        config = root / "registry.yml"
        config.write_text(CONFIG.format(root=root / "registry", port=self.port), encoding="utf-8")
        with (root / "registry.log").open("wb") as log:
            self._process = subprocess.Popen([PROGRAM, "serve", str(config)], stdout=log, stderr=log)
        self._wait()

    def _wait(self) -> None:
        limit = time.monotonic() + START_S
        while time.monotonic() < limit and self._process.poll() is None:
            with contextlib.suppress(OSError):
                self.ask("/v2/")
                return
            time.sleep(0.05)
        self.close()
        raise OSError("the image registry did not start")

    def ask(self, path: str) -> tuple[int, bytes, str]:
        """Return status, body and media type of a GET."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", path, headers={"Accept": MANIFESTS})
            answer = connection.getresponse()
            return answer.status, answer.read(), answer.headers.get("Content-Type", "")
        finally:
            connection.close()

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(10)

    def rewrite(self, answer: bytes, region: str) -> bytes:
        """Put this registry's address where ECR names its own, in `repositoryUri` and `proxyEndpoint`."""
        host = f"{ACCOUNT}.dkr.ecr.{region}.amazonaws.com"
        local = self.address.encode()
        return answer.replace(f"https://{host}".encode(), b"http://" + local).replace(host.encode(), local)

    def tell(self, client: Any, repository: str) -> None:
        """Let ECR's API know what was pushed to a repository, as `PutImage` would have."""
        status, body, _ = self.ask(f"/v2/{repository}/tags/list")
        for tag in (json.loads(body).get("tags") or []) if status == 200 else []:
            status, manifest, media_type = self.ask(f"/v2/{repository}/manifests/{tag}")
            digest = f"sha256:{hashlib.sha256(manifest).hexdigest()}"
            with already("ImageAlreadyExistsException"):
                client.put_image(
                    repositoryName=repository,
                    imageTag=tag,
                    imageManifest=manifest.decode(),
                    imageManifestMediaType=media_type,
                    imageDigest=digest,
                )
