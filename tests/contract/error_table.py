"""The table of error codes in container/README.md: who, code and status are found in the source, the words are here."""

from __future__ import annotations

import ast
import importlib
import pkgutil
from collections.abc import Iterator
from pathlib import Path

import convect
from convect.errors import ConvectError
from convect.serving.server import REMEDIES as OF_ADDRESSES

WORDS = {  # what happened, and what to do
    "algorithm": ("the program contradicts itself", "report it with the log"),
    "channel": (
        "an input channel is missing, unknown, or comes in a mode or a distribution that it cannot be read in",
        "name channels as the README's table does; take input mode File, and FullyReplicated for `model`",
    ),
    "column_missing": (
        "`schema` names a column that the table lacks",
        "correct the name; the message lists the columns that there are",
    ),
    "config": ("a hyperparameter or the schema is unknown, malformed or out of range", "correct the value named"),
    "data": ("the table was read, but cannot be forecast", "correct the row, item or column named"),
    "file": (
        "a file or line is damaged, of no known kind, or at odds with another",
        "write CSV, Parquet or JSON Lines, and upload it again",
    ),
    "hierarchy": (
        "the columns of `hierarchy` do not make a tree, or a sum is wrong",
        "correct the item or level named",
    ),
    "hosts": (
        "a host of the job is lost, unreachable, or runs another image",
        "look into its log; in a VPC let the security group talk to itself; start the job again",
    ),
    "internal": ("the forecast failed on input that was accepted", "report the request id; the log has more under it"),
    "leader": ("the host that leads failed, and with it the job", "act on the leader's own message"),
    "model": ("channel `model` holds no model of ours", "give the `model.tar.gz` that training wrote"),
    "model_already_loaded": ("a multi-model server has a model of that name", "unload it first"),
    "model_not_found": ("a multi-model server has no model of that name", "load it first"),
    "method_not_allowed": ("the address does not take this method", ""),
    "no_memory": (
        "a multi-model server has no room for one more",
        "nothing: the platform unloads others and asks again",
    ),
    "not_a_number": ("a value that must be a number is none", "correct it, or leave it empty where it is missing"),
    "not_acceptable": ("`Accept` asks for a form that is not written", "ask for CSV, JSON, JSON Lines or Parquet"),
    "not_found": ("there is no such address", ""),
    "not_ready": ("the model is being loaded", "ask again in a moment"),
    "not_served": ("the server did not start", "train the model again"),
    "opt_ml": ("a file below `/opt/ml/input/config` cannot be read", "check permissions and disk; correct the file"),
    "payload_too_large": ("the request is larger than the server's limit", "send fewer series, or use batch transform"),
    "platform": (
        "disk, memory or a file of the artifact is not as promised",
        "use a larger instance or volume; copy `model.tar.gz` again",
    ),
    "request": ("the request cannot be read", "correct the key or line named"),
    "request_timeout": ("the body took too long to arrive", "send it faster, or in parts"),
    "time_limit": (
        "the answer would have come after the caller's patience",
        "ask for fewer series or a shorter horizon",
    ),
    "unexpected": ("training failed on input that was accepted", "report it with the lines below the message"),
    "unsupported_media_type": ("`Content-Type` is of no form that is read", "send CSV, JSON, JSON Lines or Parquet"),
}
IN_JOBS = ("channel", "hosts", "leader", "model", "not_served", "opt_ml", "unexpected")  # which nobody asks by HTTP
ACTS = {"UserError": "you", "PlatformError": "the operator", "AlgorithmError": "us"}


def classes(root: type[ConvectError] = ConvectError) -> Iterator[type[ConvectError]]:
    yield root
    for below in root.__subclasses__():
        yield from classes(below)


def raised() -> dict[str, set[tuple[str, int]]]:
    """Who must act and the HTTP status, by each code that is raised anywhere in the package."""
    for module in pkgutil.walk_packages(convect.__path__, "convect."):
        if not module.name.endswith("gunicorn_config"):  # it is a program's configuration, which starts things
            importlib.import_module(module.name)
    known = {one.__name__: one for one in classes()}
    found: dict[str, set[tuple[str, int]]] = {}
    for path in Path(convect.__path__[0]).rglob("*.py"):
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in known:
                one = known[call.func.id]
                given = [word.value for word in call.keywords if word.arg == "code"]
                code = given[0] if given else ast.Constant(one.code)
                if isinstance(code, ast.Constant):
                    found.setdefault(str(code.value), set()).add((ACTS[one.who], one.status))
    return found


def markdown_table() -> str:
    """The table, by code.

    Raises KeyError for a code that has no words here; ValueError for words whose code nobody raises.
    """
    found = raised() | {"internal": {("us", 500)}}  # what is no error of ours, see `answers.error_body`
    found |= {"not_found": {("you", 404)}, "method_not_allowed": {("you", 405)}}  # Flask's own
    if set(WORDS) - set(found):
        raise ValueError(f"nobody raises {sorted(set(WORDS) - set(found))}")
    rows = ["| code | HTTP | who acts | what happened | remedy |", "|---|---|---|---|---|"]
    for code, who in sorted(found.items()):
        what, remedy = WORDS[code]
        statuses = "" if code in IN_JOBS else ", ".join(str(status) for status in sorted({each[1] for each in who}))
        acts = " or ".join(dict.fromkeys(name for name, _ in sorted(who, key=lambda one: one[1])))
        told = remedy or OF_ADDRESSES[min(who)[1]].rstrip(".")
        rows.append(f"| `{code}` | {statuses} | {acts} | {what} | {told} |")
    return "\n".join(rows)
