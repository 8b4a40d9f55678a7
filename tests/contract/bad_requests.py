"""Requests that must be refused: by name, the bytes and headers of each, for a model of sku, day, sold and price."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

JSON, LINES, CSV = "application/json", "application/jsonlines", "text/csv"
PARQUET = "application/x-parquet"
DAYS = [f"2024-01-{day:02d}" for day in range(1, 15)]
SERIES: dict[str, Any] = {"start": "2024-01-01", "target": [1.5] * 14, "dynamic_feat": [[2.0] * 21]}
TABLE = {"sku": ["new"] * 14, "day": DAYS, "sold": [1.0 + day for day in range(14)], "price": [2.0] * 14}
TEXT = pd.DataFrame(TABLE).to_csv(index=False)


@dataclass(frozen=True)
class Bad:
    """A request that is the caller's fault, whichever 4xx tells of it."""

    body: bytes
    content_type: str | None = JSON
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def all_headers(self) -> dict[str, str]:
        """What goes over the wire."""
        typed = {"Content-Type": self.content_type} if self.content_type is not None else {}
        return {**typed, **self.headers}


def dumped(document: object, content_type: str = JSON) -> Bad:
    return Bad(json.dumps(document).encode(), content_type)


def deepar(**changes: object) -> Bad:
    return dumped({"instances": [{**SERIES, **changes}]})


def parquet(table: pa.Table, **options: Any) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink, **options)
    return sink.getvalue()


WRONG: dict[str, object] = {
    "a number": 7,
    "a text": "much",
    "true": True,
    "a list of lists": [[1]],
    "a list of objects": [{}],
    "an object": {"a": {"b": 1}},
    "a huge number": 10**400,
    "negative": -1,
}


def wrong_types() -> Iterator[tuple[str, Bad]]:
    """Each key of each dialect with what it does not take."""
    fits = {  # what is right, or is read as if it were
        *(("target", "an object"), ("start", "a number")),
        *((key, kind) for key in ("cat", "item_id") for kind in ("a number", "a text", "true", "negative")),
        *(("item_id", "a huge number"), ("cat", "a huge number"), ("static_features", "an object")),
        *(("data", "an object"), ("freq", "a text"), ("horizon", "a number"), ("prediction_length", "a number")),
        *(("num_samples", "a number"), ("item_ids", "a text"), ("explain", "true")),
    }
    series_keys = ("target", "start", "dynamic_feat", "past_covariates", "future_covariates", "static_features")
    for kind, value in WRONG.items():
        for key in series_keys:
            if (key, kind) not in fits:
                yield f"series: {key} is {kind}", deepar(**{key: value})
        for key in ("schema", "config", "freq", "data"):
            if (key, kind) not in fits:
                yield f"native: {key} is {kind}", dumped({key: value})
        for key in ("horizon", "quantiles", "item_ids", "missing", "aggregate", "explain"):
            if (key, kind) not in fits:
                yield f"native: config.{key} is {kind}", dumped({"config": {key: value}})
        for key in ("num_samples", "output_types", "quantiles", "prediction_length", "freq"):
            if (key, kind) not in fits:
                yield (
                    f"deepar: {key} is {kind}",
                    dumped(
                        {
                            "instances": [SERIES],
                            "configuration": {key: value, "output_types": ["samples"]} | {key: value},
                        }
                    ),
                )
        if kind != "an object":
            yield f"deepar: instances is {kind}", dumped({"instances": value})
            yield f"chronos: inputs is {kind}", dumped({"inputs": value})
        yield f"deepar: configuration is {kind}", dumped({"instances": [SERIES], "configuration": value})
        yield f"chronos: parameters is {kind}", dumped({"inputs": [SERIES], "parameters": value})


def numbers() -> Iterator[tuple[str, Bad]]:
    """Numbers that no computer, or no forecast, can hold, and those that are not there."""
    for name, text in {
        "NaN": "NaN",
        "infinity": "Infinity",
        "minus infinity": "-Infinity",
        "1e999": "1e999",
        "too long": "9" * 5_000,
        "null": "null",
        "NaN as text": '"NaN"',
    }.items():
        target = f"[{', '.join([text] * 5)}]"
        yield f"a target of nothing but {name}", Bad(f'{{"instances": [{{"target": {target}}}]}}'.encode())
        if name != "null":
            yield f"a horizon of {name}", Bad(f'{{"config": {{"horizon": {text}}}}}'.encode())
            yield f"a quantile of {name}", Bad(f'{{"config": {{"quantiles": [{text}]}}}}'.encode())
    for name, value in {"a decimal comma": "1,5", "a formula": "=1+1", "hex": "0x10", "a unit": "5 kg"}.items():
        yield f"csv: a target with {name}", Bad(TEXT.replace("3.0,", f'"{value}",').encode(), CSV)
        yield f"series: a target with {name}", deepar(target=[1, 2, value])
    for horizon in (0, -5, 1.5, 141, 10_001, 1e18):
        yield (
            f"chronos: a horizon of {horizon}",
            dumped({"inputs": [SERIES], "parameters": {"prediction_length": horizon}}),
        )
    for level in (0, 1, -0.1, 1.1, "0,5", "p0", "p100"):
        yield (
            f"chronos: a quantile of {level}",
            dumped({"inputs": [SERIES], "parameters": {"quantile_levels": [level]}}),
        )


def nesting() -> Iterator[tuple[str, Bad]]:
    """Depth and width that would cost more than the bytes sent."""
    for depth in (1_000, 100_000):
        yield f"{depth} lists in each other", Bad(b"[" * depth)
        yield f"{depth} closed lists in each other", Bad(b"[" * depth + b"]" * depth)
        yield f"{depth} objects in each other", Bad(b'{"a":' * depth + b"1" + b"}" * depth)
        yield f"{depth} lists in a target", Bad(b'{"instances":[{"target":' + b"[" * depth + b"]" * depth + b"}]}")
        yield f"{depth} lists in a schema", Bad(b'{"schema":{"target":' + b"[" * depth + b"]" * depth + b"}}")
        yield f"{depth} lists in a line", Bad(b'{"target":' + b"[" * depth + b"]" * depth + b"}", LINES)
    yield "10,000 keys in a series", dumped({"instances": [{f"k{number}": 1 for number in range(10_000)}]})
    yield "10,000 covariates", deepar(dynamic_feat=[[1.0]] * 10_000)
    yield "10,000 static features", deepar(cat=[1] * 10_000)
    yield "10,000 columns of csv", Bad((",".join(map(str, range(10_000))) + "\n" + "1," * 9_999 + "1").encode(), CSV)
    yield "10,000 columns of a record", dumped({"data": [{f"c{number}": 1 for number in range(10_000)}]})
    yield "10,000 columns of parquet", Bad(parquet(pa.table({f"c{n}": [1.0] for n in range(10_000)})), PARQUET)
    yield "a header of a megabyte", Bad(b"a" * 1_000_000 + b"\n1\n", CSV)
    yield "an id of a megabyte", deepar(item_id="x" * 900_000, target=[])
    yield "samples without end", dumped({"instances": [SERIES], "configuration": {"num_samples": 10**9}})
    many = {"output_types": ["samples"], "num_samples": 1_000, "prediction_length": 140}
    yield "an answer of too many numbers", dumped({"instances": [{"target": [1]}] * 200, "configuration": many})


def keys() -> Iterator[tuple[str, Bad]]:
    """Names twice, unknown, or in two places."""
    yield "two keys of one name", Bad(b'{"freq": "D", "freq": "D"}')
    yield "two targets", Bad(b'{"instances": [{"target": [1, 2], "target": [3]}]}')
    yield "two columns of one name in csv", Bad(b"sku,day,sold,sold,price\nn,2024-01-01,1,2,3\n", CSV)
    twice = pa.table([pa.array(["n"]), pa.array([1.0]), pa.array([2.0])], names=["sku", "sold", "sold"])
    yield "two columns of one name in parquet", Bad(parquet(twice), PARQUET)
    yield "both dialects", dumped({"instances": [SERIES], "inputs": [SERIES]})
    yield "a dialect and a table", dumped({"instances": [SERIES], "data": TABLE})
    for key in ("__class__", "__proto__", "constructor", "", "\u0000", "инстансы", "a" * 10_000, "../../etc/passwd"):
        yield f"an unknown key {key[:20]!a}", dumped({key: 1})
        yield f"an unknown key of a series {key[:20]!a}", deepar(**{key: 1})
    yield "start and timestamp", deepar(timestamp="2024-01-01")
    yield "item_id and id", deepar(item_id="a", id="a")
    yield (
        "a covariate that was not learnt",
        dumped({"inputs": [{"target": [1, 2], "past_covariates": {"prize": [1, 2]}}]}),
    )
    yield "two covariates for one", deepar(dynamic_feat=[[1.0] * 21] * 2)
    yield "a covariate shorter than the target", deepar(dynamic_feat=[[1.0] * 3])
    yield "an item that was not seen", dumped({"config": {"item_ids": ["absent"]}})
    yield "an item that was not seen, without history", deepar(item_id="absent", target=[])


def stamps() -> Iterator[tuple[str, Bad]]:
    """Starts that are no stamps."""
    texts = (
        "someday",
        "",
        "2024-13-01",
        "2024-02-30",
        "01/02/2024",
        "0000-00-00",
        "9999-12-31",
        "1500-01-01",
        "-1",
        "1e400",
    )
    for text in (*texts, "2024-01-01T25:00", "=TODAY()", "\u0660\u0661", "x" * 101, "2024-01-01\x00", "2261-12-30"):
        yield f"series: a start {text[:20]!a}", deepar(start=text)
        if text:
            yield (
                f"csv: a stamp {text[:20]!a}",
                Bad(f'sku,day,sold,price\nn,"{text}",1,1\nn,"{text}",1,1\n'.encode(), CSV),
            )
    yield "a start as a list", deepar(start=["2024-01-01"])
    yield "another frequency", dumped({"freq": "h", "data": TABLE})
    yield "another frequency for deepar", dumped({"instances": [SERIES], "configuration": {"freq": "1H"}})
    yield "no frequency at all", dumped({"freq": "fortnightly-ish"})
    hours = pd.date_range("2024-01-01", periods=14, freq="h").astype(str).tolist()
    yield "a table of another frequency", dumped({"data": {**TABLE, "day": hours}})


def texts() -> Iterator[tuple[str, Bad]]:
    """Bytes that are no text, or text in another encoding than is said."""
    whole = json.dumps({"instances": [SERIES]}).encode()
    yield "utf-16 said to be utf-8", Bad(whole.decode().encode("utf-16"))
    yield "utf-8 said to be utf-16", Bad(whole + b" ", "application/json; charset=utf-16")
    yield "an unknown charset", Bad(whole, "application/json; charset=klingon")
    yield "a charset that is code", Bad(whole, "application/json; charset=rot13")
    yield "a charset that unpacks", Bad(whole, "application/json; charset=zip")
    yield "half a character", Bad(b'{"instances": [{"item_id": "\\ud800", "target": [1]}]}')
    yield (
        "two encodings in one csv",
        Bad("sku,day,sold,price\né,2024-01-01,1,1\n".encode() + b"\xe9,2024-01-02,1,1\n", CSV),
    )
    yield "two encodings in one json", Bad(b'{"data": {"sku": ["\xc3\xa9", "\xe9"]}}')
    yield "overlong utf-8", Bad(b'{"\xc0\xaf": 1}')
    yield "bytes that are nothing", Bad(bytes(range(256)), None)
    yield "zero bytes in csv", Bad(TEXT.replace("new", "n\0w").encode(), CSV)
    yield "a picture", Bad(b"\x89PNG\r\n\x1a\n" + b"\0" * 100, None)
    yield "xml", Bad(b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>', JSON)
    yield "yaml", Bad(b"!!python/object/apply:os.system ['true']", JSON)
    yield "pickle", Bad(b"\x80\x04\x95\x17\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix", None)
    yield "text for json", Bad(b"please forecast", JSON)
    yield "json for csv", Bad(whole, CSV)
    yield "csv for json", Bad(TEXT.encode(), JSON)
    yield "csv for parquet", Bad(TEXT.encode(), PARQUET)
    yield "parquet for csv", Bad(pd.DataFrame(TABLE).to_parquet(), CSV)


def broken() -> Iterator[tuple[str, Bad]]:
    """Bodies that end early, hold nothing, or are packed."""
    forms = {
        JSON: json.dumps({"instances": [SERIES]}).encode(),
        CSV: b'sku,day,sold,price\n"new",2024-01-01,1,"2"\n"new',
        PARQUET: pd.DataFrame(TABLE).to_parquet(),
        LINES: json.dumps(SERIES).encode(),
    }
    for form, body in forms.items():
        for name, content in {"no body": b"", "blanks": b" \r\n\t ", "a mark alone": b"\xef\xbb\xbf"}.items():
            yield f"{form}: {name}", Bad(content, form)
        yield f"{form}: cut short", Bad(body[: len(body) - 3] if form != CSV else body, form)
        yield f"{form}: gzip", Bad(gzip.compress(body), form)
        yield f"{form}: a gzip bomb", Bad(gzip.compress(b" " * 10_000_000), form, {"Content-Encoding": "gzip"})
        for coding in ("deflate", "br", "gzip, gzip"):
            yield f"{form}: said to be packed by {coding}", Bad(body, form, {"Content-Encoding": coding})
    yield "a header without rows", Bad(b"sku,day,sold,price\n", CSV)
    yield "rows without a header", Bad(b"new,2024-01-01,1,1\nnew,2024-01-02,1,1\n", CSV)
    yield "a row too short", Bad(b"sku,day,sold,price\nnew,2024-01-01\n", CSV)
    yield "a row too long", Bad(b"sku,day,sold,price\nnew,2024-01-01,1,1,1,1\n", CSV)
    yield "a row without an id", Bad(b"sku,day,sold,price\n,2024-01-01,1,1\n", CSV)
    yield "no target column", dumped({"data": {"sku": ["n"], "day": ["2024-01-01"], "price": [1]}})
    yield "columns of two lengths", dumped({"data": {**TABLE, "sold": [1]}})
    yield "a record that is a list", dumped({"data": [[1]]})
    yield "a cell that is a list", dumped({"data": [{"sku": "n", "day": "2024-01-01", "sold": [1]}]})
    yield "lines that are lists", Bad(b"[1]\n[2]\n", LINES)
    yield "lines that are all bad", Bad(b'{"target": [null]}\n{"target": [true]}\n{"target": ', LINES)
    yield "an empty list of instances", dumped({"instances": []})


def lying_page(codec: str) -> bytes:
    """A Parquet file whose last page says in its header that it unpacks to 2 GB."""
    table = pa.table({"sku": ["new"] * 1_000, "sold": [1.5 * row for row in range(1_000)]})
    whole = parquet(table, compression=codec, use_dictionary=False, write_statistics=False)
    header = pq.read_metadata(io.BytesIO(whole)).row_group(0).column(1).data_page_offset
    size = header + 3  # in Thrift's compact form: the type of page in two bytes, then the field's mark and a varint
    end = next(place for place in range(size, len(whole)) if not whole[place] & 0x80) + 1
    return whole[:size] + b"\xfe\xff\xff\xff\x0f" + whole[end:]


def bombs() -> Iterator[tuple[str, Bad]]:
    """Small Parquet files that are large, lie about it, or are of forms that a table cannot take."""
    rows = 6_000_000
    same = pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int8()), pa.array(["x"]))
    yield "parquet: more rows than are read", Bad(parquet(pa.table({"sku": same})), PARQUET)
    yield "parquet: a list in a cell", Bad(parquet(pa.table({"sku": ["n"], "sold": [[1.0]]})), PARQUET)
    yield "parquet: an object in a cell", Bad(parquet(pa.table({"sku": ["n"], "sold": [{"a": 1}]})), PARQUET)
    yield "parquet: durations", Bad(parquet(pa.table({"sold": pa.array([1], pa.duration("s"))})), PARQUET)
    yield "parquet: no rows", Bad(parquet(pa.table({"sku": pa.array([], pa.string())})), PARQUET)
    yield "parquet: no columns", Bad(parquet(pa.table({})), PARQUET)
    whole = pd.DataFrame(TABLE).to_parquet()
    for codec in ("snappy", "gzip", "zstd"):
        yield f"parquet: a page of {codec} that says it unpacks to 2 GB", Bad(lying_page(codec), PARQUET)
    for place in (4, len(whole) - 9, len(whole) - 6):
        yield f"parquet: byte {place} is wrong", Bad(whole[:place] + b"\xff\xff\xff" + whole[place + 3 :], PARQUET)
    yield "parquet: a footer longer than the file", Bad(whole[:-8] + b"\xff\xff\xff\x7fPAR1", PARQUET)
    yield "parquet: nothing but its name", Bad(b"PAR1PAR1", PARQUET)


def headers() -> Iterator[tuple[str, Bad]]:
    """Headers that ask for what there is not."""
    whole = json.dumps({"instances": [SERIES]}).encode()
    for form in ("image/png", "application/xml", "multipart/form-data; boundary=x", "application/x-recordio-protobuf"):
        yield f"content type {form}", Bad(whole, form)
    for form in ("application/json/json", "json", ";;;", "application/json\t/x", "a" * 5_000, "text/csvx"):
        yield f"content type {form[:20]!a}", Bad(b"\x01\x02", form)
    for accept in ("image/png", "text/html;q=1", "application/json;q=0", "*/*;q=0", "application/*;q=0, text/*;q=0"):
        yield f"accept {accept}", Bad(whole, JSON, {"Accept": accept})
    yield (
        "accept a table of paths",
        Bad(
            json.dumps({"instances": [SERIES], "configuration": {"output_types": ["samples"]}}).encode(),
            JSON,
            {"Accept": CSV},
        ),
    )


_POST = b"POST /invocations HTTP/1.1\r\nHost: x\r\n"
RAW = {  # what no client's library sends
    "a header split by the caller": _POST
    + b"X-Amzn-SageMaker-Custom-Attributes: a\rSet-Cookie: b\r\nContent-Length: 2\r\n\r\n{}",
    "a header with a zero byte": _POST + b"Accept: text/csv\0\r\nContent-Length: 2\r\n\r\n{}",
    "two lengths": _POST + b"Content-Length: 2\r\nContent-Length: 9\r\n\r\n{}",
    "a length and chunks": _POST + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a length that is no number": _POST + b"Content-Length: +2\r\n\r\n{}",
    "a negative length": _POST + b"Content-Length: -2\r\n\r\n{}",
    "a header of a megabyte": _POST + b"X-A: " + b"a" * 1_000_000 + b"\r\n\r\n",
    "10,000 headers": _POST + b"X-A: a\r\n" * 10_000 + b"\r\n",
    "a header without a name": _POST + b": a\r\n\r\n",
    "a path of a megabyte": b"GET /" + b"a" * 1_000_000 + b" HTTP/1.1\r\n\r\n",
    "a path out of the tree": b"GET /../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n",
    "an unknown method": b"BREW /invocations HTTP/1.1\r\nHost: x\r\n\r\n",
    "a version of its own": b"POST /invocations HTTP/9.9\r\nHost: x\r\n\r\n",
    "a chunk of a negative size": _POST + b"Transfer-Encoding: chunked\r\n\r\n-1\r\n{}\r\n0\r\n\r\n",
    "a chunk that ends early": _POST + b"Transfer-Encoding: chunked\r\n\r\n64\r\n{}",
}


FAMILIES = (wrong_types, numbers, nesting, keys, stamps, texts, broken, bombs, headers)


def bad_requests(*families: Callable[[], Iterator[tuple[str, Bad]]]) -> dict[str, Bad]:
    """Return those of some families, or of all, by name; no two share one."""
    found = [pair for family in families or FAMILIES for pair in family()]
    named = dict(found)
    if len(named) < len(found):
        raise ValueError("Two bad requests have one name.")
    return named
