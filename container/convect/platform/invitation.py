"""What a host must know to share the work, and Dask as this job uses it: quiet, encrypted, under its own settings.

Dask's messages are pickles, so whoever can send one can do anything here. Hence both ends of each connection show a
certificate that the leader makes for this job alone, and that lives in the hosts' memory.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from convect.errors import PlatformError

if TYPE_CHECKING:
    from distributed import Security

VALID_DAYS = 30  # a training job lasts 28 at most
_PEM = re.compile(r"-----BEGIN ([A-Z ]+)-----\n.+?\n-----END \1-----\n", re.DOTALL)
_OPENSSL = (
    *("openssl", "req", "-x509", "-config", "/dev/null", "-days", str(VALID_DAYS), "-subj", "/CN=convect"),
    *("-addext", "basicConstraints=critical,CA:TRUE", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"),
    *("-nodes", "-keyout", "/dev/stdout", "-out", "/dev/stdout"),
)
_ROLES = ("client", "scheduler", "worker")
_SETTINGS = {
    "distributed.scheduler.worker-saturation": 1.0,  # no unit waits at a worker, so that all have work to the end
    "distributed.scheduler.no-workers-timeout": "60s",  # a unit that nobody is left to do fails, and does not wait
    "distributed.scheduler.worker-ttl": "15 minutes",  # one that computes in C for minutes is not dead
    "distributed.scheduler.active-memory-manager.start": False,  # a second copy of what is shared is welcome
    "distributed.worker.profile.enabled": False,
    "distributed.admin.system-monitor.gil.enabled": False,
    "distributed.admin.large-graph-warning-threshold": "1TB",
    "distributed.diagnostics.nvml": False,
    # Dask would log the arguments of a call that fails: a customer's series.
    "logging": dict.fromkeys(("distributed", "distributed.client", "tornado", "tornado.application"), "CRITICAL"),
}


@dataclass(frozen=True)
class Invitation:
    """Where the scheduler listens, a port of the leader, and the certificate and key of the job, as PEM."""

    port: int
    certificate: str
    key: str

    @classmethod
    def of(cls, message: object) -> Invitation:
        """Return a checked invitation; raises PlatformError for anything else."""
        match message:
            case {"port": int(port), "certificate": str(certificate), "key": str(key)} if 0 < port < 1 << 16:
                return cls(port, certificate, key)
        raise PlatformError("The leader's invitation is not understood.", "Run one image on all hosts.", code="hosts")

    def message(self) -> dict[str, Any]:
        """Return what `of` reads."""
        return asdict(self)

    def security(self) -> Security:
        """Return what Dask encrypts with, and knows the other hosts of the job by."""
        from distributed import Security  # a second that one host need not spend

        pairs = {f"tls_{role}_{what}": getattr(self, name) for role in _ROLES for what, name in _FIELDS.items()}
        return Security(require_encryption=True, tls_ca_file=self.certificate, **pairs)


_FIELDS = {"cert": "certificate", "key": "key"}


def certificate_and_key() -> tuple[str, str]:
    """Return a new certificate, signed by itself, and its key, as PEM; raises PlatformError without openssl."""
    try:
        done = subprocess.run(_OPENSSL, capture_output=True, text=True, check=True, timeout=60)
    except (OSError, subprocess.SubprocessError) as error:
        message = f"The program openssl, which makes the key of the hosts' connections, does not work: {error}."
        raise PlatformError(message, "Install it, or train on one host.", code="hosts") from error
    found: Mapping[str, str] = {match[1]: match[0] for match in _PEM.finditer(done.stdout)}
    return found["CERTIFICATE"], found["PRIVATE KEY"]


def prepare_dask() -> None:
    """Load Dask under the settings above, whatever files and variables of its own there are."""
    import dask

    dask.config.refresh(paths=[], env={})
    dask.config.set(_SETTINGS)
    import distributed  # noqa: F401 - it reads the settings of its log
