"""A model server that answers with what it was sent, and misbehaves as the body or the variable `DO` says."""

from __future__ import annotations

import json
import os
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

BASE = Path(os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml"))
DO = os.environ.get("DO", "")


class Handler(BaseHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def reply(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        if self.path == "/execution-parameters" and "PARAMETERS" in os.environ:
            return self.reply(200, os.environ["PARAMETERS"].encode())
        return self.reply(200 if self.path == "/ping" and DO != "sick" else 404, b"")

    def body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        return b"".join(parts)

    def do_POST(self) -> None:
        body = self.body()
        os.write(1, f"asked {len(body)} bytes\n".encode())  # whole, also when several are asked at once
        if b"slow" in body:
            time.sleep(5)
        if b"bad" in body:
            return self.reply(400, b'{"code": "request", "message": "It is bad.", "remedy": "Be good."}')
        if b"broken" in body:
            return self.reply(500, b"broken")
        if DO == "lines":  # one answer a line: its length
            answers = [json.dumps({"size": len(line)}) for line in body.decode().splitlines()]
            return self.reply(200, "\n".join(answers).encode(), Content_Type="application/jsonlines")
        if DO == "columns":  # one answer a row of CSV: its number of cells
            rows = [str(line.count(",") + 1) for line in body.decode().splitlines()]
            return self.reply(200, "\n".join(rows).encode(), Content_Type="text/csv")
        told = {
            "body": body.decode(),
            "headers": {name.lower(): value for name, value in self.headers.items()},
            "environment": dict(os.environ),
            "model": sorted(path.name for path in (BASE / "model").rglob("*")),
        }
        return self.reply(
            200,
            json.dumps(told).encode(),
            Content_Type="application/json",
            X_Amzn_SageMaker_Custom_Attributes="from the server",
        )


if __name__ == "__main__":
    print("starting", flush=True)
    if DO == "exit":
        sys.exit(4)
    port = int(os.environ.get("SAGEMAKER_BIND_TO_PORT", "8080"))
    ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()
