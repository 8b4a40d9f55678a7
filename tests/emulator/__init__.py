"""An emulator of the SageMaker calls this project makes: the container contract is real, the service is not.

See README.md in this folder for what it covers and what it does not.
"""

from .server import Emulator, running
from .service import Limits

__all__ = ["Emulator", "Limits", "running"]
