"""Hostile requests to REST, with the allowed statuses for each kind."""

import base64
import json
import random
from collections.abc import Sequence
from typing import Any

from benchmarks.serving.hostile_kinds import (
    CLOSED,
    LARGER_THAN_ALLOWED,
    HttpRequest,
    Kind,
    RawBytes,
    Request,
    Victim,
    invalid_texts,
    mutated,
    raw_bytes,
    unknown_name,
)

_OTHER_FORMS: Sequence[Any] = (
    None,
    7,
    "text",
    [],
    {},
    {"instances": []},
    {"instances": {}},
    {"instances": "a"},
    {"instances": [1]},
    {"instances": [None]},
    {"instances": [["a"]]},
    {"instances": [{"words": "a"}]},
    {"instances": [{"text": "a"}, "b"]},
    {"instances": ["a"], "inputs": ["a"]},
    {"instances": ["a"], "signature_name": 7},
    {"instances": ["a"], "signature_name": "score"},
    {"instances": [float("nan")]},
    {"instances": ["\ud800"]},
    {"inputs": {}},
    {"inputs": "a"},
    {"inputs": {"text": "a"}},
    {"inputs": {"words": ["a"]}},
    {"inputs": {"text": [["a"]]}},
    {"inputs": {"text": [{"b64": 7}]}},
    {"inputs": {"text": [{"b64": "%%%"}]}},
    {"inputs": {"text": [{"b64": "YQ"}]}},
    {"inputs": {"text": [{"b64": "YQ==", "more": 1}]}},
)


def _url(victim: Victim, end: str = ":predict") -> str:
    return f"/v1/models/{victim.model}{end}"


def _json_body(numbers: random.Random, victim: Victim) -> bytes:
    """Makes a valid body."""
    texts = [text.decode("utf-8") for text in numbers.sample(victim.sentences, 2)]
    body = numbers.choice([{"instances": texts}, {"inputs": {"text": texts}}])
    return json.dumps(body).encode()


def _cut_json(numbers: random.Random, victim: Victim) -> Request:
    body = _json_body(numbers, victim)
    return HttpRequest("POST", _url(victim), body[: numbers.randrange(len(body) - 1)])


def _mutated_json(numbers: random.Random, victim: Victim) -> Request:
    return HttpRequest("POST", _url(victim), mutated(numbers, _json_body(numbers, victim)))


def _other_form(numbers: random.Random, victim: Victim) -> Request:
    body = json.dumps(numbers.choice(_OTHER_FORMS)).encode()
    if numbers.random() < 0.2:
        depth = numbers.choice([100, 10_000, 100_000])
        body = b'{"instances": ' + b"[" * depth + b"]" * depth + b"}"
    return HttpRequest("POST", _url(victim), body)


def _base64_bytes(numbers: random.Random, victim: Victim) -> Request:
    texts = [{"b64": base64.b64encode(text).decode()} for text in invalid_texts(numbers)]
    return HttpRequest("POST", _url(victim), json.dumps({"instances": texts}).encode())


def _unknown_url(numbers: random.Random, victim: Victim) -> Request:
    end = numbers.choice(["/versions/0", "/versions/0:predict", "/versions/7/metadata"])
    name = numbers.choice([victim.model, "other", "%FF%00"]) + end
    if numbers.random() < 0.3:
        name = numbers.choice(["other", "%2F", "x" * 10_000])
    body = _json_body(numbers, victim)
    return HttpRequest("POST" if "predict" in name else "GET", f"/v1/models/{name}", body)


def _rest_signature(numbers: random.Random, victim: Victim) -> Request:
    body = {"instances": ["a"], "signature_name": unknown_name(numbers)}
    return HttpRequest("POST", _url(victim), json.dumps(body).encode())


def _wrong_url(numbers: random.Random, victim: Victim) -> Request:
    verbs = ["GET", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "NONSENSE"]
    paths = ["/", "/v1", "/v1/", "/v1/models", "/v2/models", "/..%2f..%2fetc/passwd", "/%00"]
    paths += ["/v1/" + "x" * 10_000, _url(victim, "/versions/" + "9" * 30), _url(victim, ":fly")]
    paths += [_url(victim, "/labels/none")]
    return HttpRequest(numbers.choice(verbs), numbers.choice(paths), numbers.randbytes(10))


def _not_implemented(numbers: random.Random, victim: Victim) -> Request:
    method = numbers.choice(["classify", "regress"])
    return HttpRequest("POST", _url(victim, f":{method}"), _json_body(numbers, victim))


def _too_large_body(numbers: random.Random, victim: Victim) -> Request:
    return HttpRequest("POST", _url(victim), b" " * (LARGER_THAN_ALLOWED + numbers.randrange(100)))


def _raw_http(numbers: random.Random, victim: Victim) -> Request:
    body = _json_body(numbers, victim)
    head = (
        f"POST {_url(victim)} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n"
        "Connection: close\r\n\r\n"
    )
    return RawBytes(False, mutated(numbers, head.encode() + body))


REST_KINDS: Sequence[Kind] = (
    Kind("REST: cut JSON", 3, ["HTTP 400"], _cut_json),
    Kind("REST: JSON with changed bytes", 5, ["HTTP 200", "HTTP 400"], _mutated_json),
    Kind("REST: JSON of another form", 5, ["HTTP 400"], _other_form),
    Kind("REST: invalid UTF-8 as base64", 2, ["HTTP 200"], _base64_bytes),
    Kind("REST: unknown model or version", 2, ["HTTP 404"], _unknown_url),
    Kind("REST: unknown signature", 2, ["HTTP 400"], _rest_signature),
    Kind("REST: wrong path or verb", 3, ["HTTP 400", "HTTP 404", "HTTP 405"], _wrong_url),
    Kind("REST: methods that are not there", 1, ["HTTP 501"], _not_implemented),
    Kind("REST: bodies above the limit", 0.1, ["HTTP 413", CLOSED], _too_large_body),
    Kind("raw bytes on the port of REST", 4, [CLOSED, "HTTP 400"], raw_bytes(is_grpc=False)),
    Kind(
        "raw HTTP with changed bytes",
        5,
        [CLOSED, *(f"HTTP {status}" for status in (200, 400, 404, 405, 421, 501))],
        _raw_http,
    ),
)
