"""Files of a job by URI: put there, read, listed and removed, on this machine (`file://`, a path) or in S3."""

# ruff: noqa: ANN401 - a client of boto3 has no type

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

from .requests import OPEN, Security

DELETED_AT_ONCE = 1000  # objects, S3's limit


def put(path: str | Path, uri: str | Path, security: Security = OPEN) -> str:
    """Copy a file, or a folder with all in it but Python's caches, to a URI; return the URI.

    In S3 it is encrypted with the KMS key of `security`, or as the bucket does by itself.

    Raises:
        FileNotFoundError: there is no such file or folder here.
    """
    source = Path(path)
    if not source.exists():
        raise FileNotFoundError(f"There is no file or folder {source}.")
    found = [entry for entry in source.rglob("*") if entry.is_file() and "__pycache__" not in entry.parts]
    for file in sorted(found) if source.is_dir() else [source]:
        below = f"/{file.relative_to(source).as_posix()}" if source.is_dir() else ""
        put_file(file, f"{str(uri).rstrip('/')}{below}", security)
    return str(uri)


def put_file(file: Path, uri: str, security: Security) -> None:
    """Copy one file to a URI, unless it is there already."""
    if in_s3(uri):
        bucket, key = bucket_and_key(uri)
        s3_client().upload_file(str(file), bucket, key, ExtraArgs=security.of_objects)
        return
    target = path_of(uri)
    if target.resolve() != file.resolve():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target)


def fetch(uri: str, folder: str | Path) -> Path:
    """Return a file of this machine for a `file://` URI, or one downloaded below `folder` for an `s3://` URI."""
    if not in_s3(uri):
        return path_of(uri)
    bucket, key = bucket_and_key(uri)
    Path(folder).mkdir(parents=True, exist_ok=True)
    local = Path(folder) / Path(key).name
    s3_client().download_file(bucket, key, str(local))
    return local


def listing(uri: str) -> dict[str, str]:
    """Return what lies below a URI: the URI of each file by its name relative to it, sorted."""
    if in_s3(uri):
        bucket, prefix = bucket_and_key(uri.rstrip("/") + "/")
        return {key.removeprefix(prefix): f"s3://{bucket}/{key}" for key in keys(bucket, prefix)}
    folder = path_of(uri)
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.resolve().as_uri() for path in files}


def read_text(uri: str) -> str | None:
    """Return the text of a file, or None where there is none."""
    if not in_s3(uri):
        path = path_of(uri)
        return path.read_text(encoding="utf-8") if path.is_file() else None
    s3 = s3_client()
    bucket, key = bucket_and_key(uri)
    try:
        return str(s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode("utf-8"))
    except s3.exceptions.NoSuchKey:
        return None


def remove(uri: str | Path) -> int:
    """Remove a folder, or all objects below a prefix, and return how many files there were; may be called twice.

    Raises:
        ValueError: the URI is a whole bucket.
    """
    names = listing(str(uri))
    if not in_s3(uri):
        shutil.rmtree(path_of(uri), ignore_errors=True)
        return len(names)
    bucket, prefix = bucket_and_key(str(uri))
    if not prefix.strip("/"):
        raise ValueError(f"{uri} is a whole bucket: name the folder in it to remove.")
    there = [{"Key": bucket_and_key(place)[1]} for place in names.values()]
    for start in range(0, len(there), DELETED_AT_ONCE):
        s3_client().delete_objects(Bucket=bucket, Delete={"Objects": there[start : start + DELETED_AT_ONCE]})
    return len(there)


def keys(bucket: str, prefix: str) -> Iterator[str]:
    """Yield the keys of the objects below a prefix; markers of folders are left out."""
    for page in s3_client().get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        yield from (item["Key"] for item in page.get("Contents", []) if not item["Key"].endswith("/"))


def in_s3(uri: str | Path) -> bool:
    """Return whether a URI is of S3."""
    return str(uri).startswith("s3://")


def bucket_and_key(uri: str) -> tuple[str, str]:
    """Return the two parts of an `s3://` URI."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key


def path_of(uri: str | Path) -> Path:
    """Return the path that a `file://` URI or a plain path names."""
    text = str(uri)
    return Path(unquote(urlparse(text).path)) if text.startswith("file://") else Path(text)


def s3_client() -> Any:
    """Return boto3's client of S3, which is needed for `s3://` alone."""
    import boto3

    return boto3.client("s3")
