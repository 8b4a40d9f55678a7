"""A program of a processing job: it writes down what it is given, and does what `--do` says."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path


def main() -> None:
    told = dict(zip(sys.argv[1::2], sys.argv[2::2], strict=True))
    print("looking", flush=True)
    if told.get("--do") == "wait":
        time.sleep(60)
    config = Path(told["--config"])
    if told.get("--do") == "fail":
        (config.parent / "output/message").write_text("It was told to fail.")
        sys.exit("it broke")
    files = {path.name: path.read_text() for path in sorted(Path(told["--numbers"]).rglob("*")) if path.is_file()}
    seen = {
        "files": files,
        "count": len(files),
        "config": sorted(path.name for path in config.iterdir()),
        "job": json.loads((config / "processingjobconfig.json").read_text())["ProcessingJobName"],
        "environment": dict(os.environ),
    }
    (Path(told["--output"]) / "deep").mkdir()
    (Path(told["--output"]) / "deep/seen.json").write_text(json.dumps(seen))


if __name__ == "__main__":
    main()
