"""S3 as the platform uses it: prefixes down to folders, folders up to archives."""

from __future__ import annotations

import json
import tarfile
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from .errors import JobError


def parts(uri: str) -> tuple[str, str]:
    """Return the bucket and the key of an `s3://` URI."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key


def relative(key: str, prefix: str) -> str:
    """Return where a key below a prefix lands in a folder; a prefix may end inside a name, and may be the key."""
    rest = key[len(prefix) :]
    whole = not prefix or prefix.endswith("/") or rest.startswith("/")
    return (rest if whole else key[prefix.rfind("/") + 1 :]).lstrip("/")


class Storage:
    """The S3 of one region, through boto3."""

    def __init__(self, client: Any) -> None:
        self.client = client

    def has_bucket(self, uri: str) -> bool:
        try:
            self.client.head_bucket(Bucket=parts(uri)[0])
        except ClientError:
            return False
        return True

    def keys(self, uri: str) -> list[str]:
        """The objects whose key starts as the URI does, sorted, folder markers left out; none where no bucket is."""
        bucket, prefix = parts(uri)
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        try:
            found = [entry["Key"] for page in pages for entry in page.get("Contents", [])]
        except ClientError:
            return []
        return sorted(key for key in found if not key.endswith("/"))

    def has(self, uri: str) -> bool:
        bucket, key = parts(uri)
        try:
            self.client.head_object(Bucket=bucket, Key=key)
        except ClientError:
            return False
        return True

    def read(self, uri: str) -> bytes:
        bucket, key = parts(uri)
        return bytes(self.client.get_object(Bucket=bucket, Key=key)["Body"].read())

    def write(self, uri: str, content: bytes, content_type: str = "application/octet-stream") -> None:
        bucket, key = parts(uri)
        self.client.put_object(Bucket=bucket, Key=key, Body=content, ContentType=content_type)

    def delete(self, uri: str) -> None:
        bucket, key = parts(uri)
        self.client.delete_object(Bucket=bucket, Key=key)

    def sources(self, source: dict[str, Any]) -> list[tuple[str, str]]:
        """Return (URI, path in the folder) of each object of an `S3DataSource`, by prefix or by manifest file."""
        bucket, prefix = parts(source["S3Uri"])
        if source.get("S3DataType", "S3Prefix") == "S3Prefix":
            return [(f"s3://{bucket}/{key}", relative(key, prefix)) for key in self.keys(source["S3Uri"])]
        head, *names = json.loads(self.read(source["S3Uri"]))
        return [(head["prefix"] + name, name) for name in names]

    def fetch(self, objects: Iterable[tuple[str, str]], folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        for uri, name in objects:
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(self.read(uri))

    def store(self, folder: Path, uri: str) -> None:
        """Upload each file of a folder below a URI."""
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            self.write(f"{uri.rstrip('/')}/{path.relative_to(folder).as_posix()}", path.read_bytes())

    def pack(self, folder: Path, uri: str) -> None:
        """Upload a folder as a `.tar.gz`."""
        with tempfile.TemporaryFile() as file:
            with tarfile.open(fileobj=file, mode="w:gz") as archive:
                for path in sorted(folder.iterdir()):
                    archive.add(path, arcname=path.name)
            file.seek(0)
            bucket, key = parts(uri)
            self.client.put_object(Bucket=bucket, Key=key, Body=file)

    def unpack(self, uri: str, folder: Path) -> None:
        """Extract a `.tar.gz` into a folder; hosting refuses archives with links, and so does this."""
        bucket, key = parts(uri)
        with tempfile.TemporaryFile() as file:
            self.client.download_fileobj(bucket, key, file)
            file.seek(0)
            with tarfile.open(fileobj=file, mode="r:*") as archive:
                if any(member.issym() or member.islnk() for member in archive.getmembers()):
                    raise JobError(f"The model data archive {uri} has links, which hosting refuses.")
                archive.extractall(folder, filter="data")
