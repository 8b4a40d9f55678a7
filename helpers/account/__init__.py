"""What differs between this machine and AWS, found once: the clients, the role, the place for files, the image.

    sagemaker, runtime = account.clients(INSTANCE_TYPE)
    role = account.role(INSTANCE_TYPE)
    place = account.place(INSTANCE_TYPE, bucket="", folder="../build/demo")
    image = account.image(INSTANCE_TYPE)

Neither boto3 nor the SageMaker SDK is needed until an instance type that uses it is given. `helpers.local` is looked at
only where it runs the container's programs as processes; without that branch the folder can be copied alone.
"""

from .defaults import image, place, role
from .errors import AccountError
from .session import IMAGE, clients

__all__ = ["IMAGE", "AccountError", "clients", "image", "place", "role"]
