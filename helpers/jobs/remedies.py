"""What to do about what AWS, or this machine, says of a job: one sentence for each thing that is often wrong."""

from __future__ import annotations

import re

REMEDIES = (
    (r"(?i)assume (the )?role|iam:PassRole|cannot be assumed|role .{0,200}(does not exist|not valid|is invalid)",
     "Check ROLE: it must exist and trust sagemaker.amazonaws.com, and you must be allowed to pass it."),
    (r"(?i)NoSuchBucket|bucket .{0,120}does not exist|No S3 objects found|ensure that the bucket exists",
     "Check BUCKET and its region, and that the files were put there."),
    (r"(?i)(cannot|unable to|failed to) (find|pull|locate|access).{0,80}(image|repository)|ecr image|pull access denied"
     r"|(image|repository) .{0,200}(does not exist|not found)|manifest unknown|No such image",
     "Push the image first: run 01_build_and_push, and check IMAGE."),
    (r"ResourceLimitExceeded|(?i:service limit)", "Ask for a larger quota in Service Quotas, or take another type."),
    (r"CapacityError|InsufficientCapacity|(?i:unable to provision)", "Try again later, or take another instance type."),
    (r"AccessDenied|(?i:not authorized to perform)", "Give yourself the policy under 'Permissions' in README.md."),
    (r"ExpiredToken|Expired", "The AWS credentials have expired: log in again."),
    (r"InvalidClientTokenId|UnrecognizedClient", "AWS does not know these credentials: log in again."),
    (r"NoCredentials|Unable to locate credentials", "Run 'aws configure', or start from a role that has credentials."),
    (r"NoRegion|must specify a region", "Pass region=, or set AWS_DEFAULT_REGION."),
    (r"EndpointConnectionError|ConnectTimeout|Could not connect to the endpoint", "Check the network."),
    (r"ResourceInUse|already exists", "Take another name: jobs.unique_name makes one."),
    (r"(?i)port is already allocated|address already in use", "Stop what listens on that port (docker ps shows it)."),
    (r"(?i)no space left on device", "Free some disk: docker system df shows what Docker holds."),
    (r"(?i)ping health check", "Look at the log for what kept 'serve' from starting."),
)  # fmt: skip


def with_remedy(text: str) -> str:
    """Return what was said, followed by the remedy of the first pattern that is found in it."""
    remedy = next((sentence for pattern, sentence in REMEDIES if re.search(pattern, text)), "")
    return " ".join(part for part in (text.rstrip(), remedy) if part)
