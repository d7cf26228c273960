import base64
import http.client
import json
import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, strategies

from serving.server.rest import METRICS_PATH
from serving.server.settings import BatchSettings
from tests.any_text import strings
from tests.serving.server.fake_model import (
    LONG,
    NAME,
    SlowModel,
    make_version,
    running_server,
    settings_for,
    wait_for,
)

MODEL = f"/v1/models/{NAME}"
SCORE = {"signature_name": "score"}


class Rest:
    """Sends requests and reads JSON."""

    def __init__(self, port: int):
        self.port = port

    def send(self, verb: str, path: str, body: Any = None) -> tuple[int, str, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=LONG)
        try:
            content = body if isinstance(body, bytes | None) else json.dumps(body).encode()
            connection.request(verb, path, content)
            response = connection.getresponse()
            return response.status, response.headers["Content-Type"], response.read()
        finally:
            connection.close()

    def get(self, path: str) -> tuple[int, Any]:
        status, kind, content = self.send("GET", path)
        assert kind == "application/json"
        return status, json.loads(content)

    def post(self, path: str, body: Any) -> tuple[int, Any]:
        status, kind, content = self.send("POST", path, body)
        assert kind == "application/json"
        return status, json.loads(content)

    def predict(self, body: Any) -> Any:
        status, answer = self.post(f"{MODEL}:predict", body)
        assert status == 200, answer
        return answer

    def refusal(self, body: Any) -> str:
        status, answer = self.post(f"{MODEL}:predict", body)
        assert (status, list(answer)) == (400, ["error"])
        return answer["error"]


@pytest.fixture(scope="module")
def rest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rest]:
    folder = tmp_path_factory.mktemp("models")
    make_version(folder, 3)
    settings = settings_for(
        folder, max_message_bytes=50_000, batching=BatchSettings(strict=False, max_queued_rows=50)
    )
    with running_server(settings) as server:
        server.versions.set_labels({"stable": 3})
        yield Rest(server.rest_port)


def test_instances_come_back_as_one_object_per_text(rest):
    answer = rest.predict({"instances": ["one two", "a"]})
    assert [each["translation"] for each in answer["predictions"]] == ["3:ONE TWO", "3:A"]
    assert answer["predictions"][1] == {
        "attention": [[1.0, 0.0], [0.5, 0.0], [0.0, 0.0]],
        "score": -2.0,
        "source_length": 1,
        "source_tokens": ["a", ""],
        "target_length": 2,
        "target_tokens": ["a", "</s>", ""],
        "translation": "3:A",
        "truncated": False,
    }


def test_instances_may_name_their_inputs(rest):
    answer = rest.predict({**SCORE, "instances": [{"text": "a b", "target": "c"}]})
    assert answer["predictions"][0]["token_log_probability"] == [-0.5, -0.5, -0.5]


def test_inputs_come_back_as_one_list_per_output(rest):
    answer = rest.predict({"inputs": {"text": ["a", "b c"]}})
    assert answer["outputs"]["translation"] == ["3:A", "3:B C"]
    assert answer["outputs"]["source_length"] == [1, 2]


def test_an_only_input_needs_no_name(rest):
    assert rest.predict({"inputs": ["a"]}) == rest.predict({"inputs": {"text": ["a"]}})


def test_bytes_come_in_base64(rest):
    encoded = {"b64": base64.b64encode("über".encode()).decode()}
    for body in (
        {"instances": [encoded]},
        {"instances": [{"text": encoded}]},
    ):
        assert rest.predict(body)["predictions"][0]["translation"] == "3:üBER"
    assert rest.predict({"inputs": [encoded]})["outputs"]["translation"] == ["3:üBER"]


def test_an_answer_that_is_no_utf_8_is_still_json(rest):
    broken = {"b64": base64.b64encode(b"\xff").decode()}
    answer = rest.predict({"instances": [broken]})
    assert answer["predictions"][0]["translation"] == "3:�"


def test_numbers_are_as_short_as_they_can_be(rest):
    status, _, content = rest.send("POST", f"{MODEL}:predict", {"instances": ["a b c"]})
    assert status == 200
    assert b"0.33333334" in content
    assert b"0.3333333432674408" not in content


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"", "JSON Parse error: "),
        (b"{", "JSON Parse error: "),
        (b"\xff\xfe{", "JSON Parse error: "),
        (b"[" * 100_000, "The request is larger than 50000 bytes."),
        (b"[" * 40_000, "JSON Parse error: it is nested too deep"),
        (b"[]", "JSON Value: [] Is not object"),
        ({}, "Missing 'inputs' or 'instances' key"),
        ({"inputs": ["a"], "instances": ["a"]}, "Not formatted correctly expecting only one of"),
        ({"instances": {}}, "Expecting 'instances' to be a list/array"),
        ({"instances": []}, "No values in 'instances' array"),
        ({"instances": [5]}, "JSON Value: 5 Type: Number is not of expected type: string"),
        ({"instances": [None]}, "JSON Value: null Type: Null is not of expected type: string"),
        ({"instances": [True]}, "JSON Value: true Type: Bool is not of expected type: string"),
        ({"instances": [["a"]]}, 'JSON Value: ["a"] Type: Array is not of expected type: string'),
        ({"instances": ["a", {"text": "b"}]}, "Expecting value/list but got object at item 1"),
        ({"instances": [{"text": "b"}, "a"]}, "Expecting object but got list at item 1"),
        ({"instances": [{"words": "a"}]}, "Failed to process element: 0 of 'instances' list."),
        ({"instances": [{"b64": "%"}]}, "Unable to base64 decode"),
        ({"instances": [{"text": {"b64": 1}}]}, 'JSON Value: {"b64": 1} not formatted correctly'),
        ({"instances": ["\ud800"]}, "JSON Parse error: The surrogate pair in string is invalid."),
        ({**SCORE, "instances": ["a"]}, "instances is a plain list, but expecting list of objects"),
        ({**SCORE, "inputs": ["a"]}, "inputs is a plain value/list, but expecting an object"),
        ({**SCORE, "inputs": {"text": ["a"]}}, "Missing named input: target in 'inputs' object."),
        (
            {**SCORE, "inputs": {"text": ["a", "b"], "target": ["c"]}},
            "All inputs must hold the same number of texts: ",
        ),
        ({"inputs": "a"}, "Input 'text' must be a list of strings, one per text."),
        ({"signature_name": 5, "inputs": ["a"]}, "'signature_name' key must be a string value."),
        ({"signature_name": "sing", "inputs": ["a"]}, 'Serving signature key "sing" not found'),
    ],
)
def test_a_body_that_is_wrong_is_refused_with_a_sentence(rest, body, sentence):
    status, answer = rest.post(f"{MODEL}:predict", body)
    assert status == (413 if "larger" in sentence else 400)
    assert answer["error"][: len(sentence)] == sentence


@pytest.mark.parametrize(
    ("path", "status", "sentence"),
    [
        ("/v1/models/other:predict", 404, "Servable not found for request: Latest(other)"),
        (
            f"{MODEL}/versions/9:predict",
            404,
            f"Servable not found for request: Specific({NAME}, 9)",
        ),
        (f"{MODEL}/versions/{'9' * 5000}:predict", 400, "Failed to convert version: "),
        (f"{MODEL}/labels/canary:predict", 400, "Unrecognized servable version label: canary"),
        (f"{MODEL}:classify", 501, "classify is not implemented."),
        (f"{MODEL}:sing", 400, f"Malformed request: POST {MODEL}:sing"),
    ],
)
def test_a_path_that_is_wrong_is_refused_as_tensorflow_serving_would(rest, path, status, sentence):
    found, answer = rest.post(path, {"instances": ["a"]})
    assert (found, answer["error"][: len(sentence)]) == (status, sentence)


@pytest.mark.parametrize("place", ["", "/versions/3", "/labels/stable"])
def test_a_version_is_named_by_number_or_label(rest, place):
    assert rest.get(f"{MODEL}{place}") == (
        200,
        {
            "model_version_status": [
                {
                    "version": "3",
                    "state": "AVAILABLE",
                    "status": {"error_code": "OK", "error_message": ""},
                }
            ]
        },
    )
    assert rest.post(f"{MODEL}{place}:predict", {"instances": ["a"]})[0] == 200
    status, metadata = rest.get(f"{MODEL}{place}/metadata")
    assert status == 200
    assert metadata["model_spec"] == {"name": NAME, "version": "3", "signature_name": ""}
    definitions = metadata["metadata"]["signature_def"]["signature_def"]
    assert definitions["score"]["method_name"] == "tensorflow/serving/predict"


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("/v1/models/other", "Could not find any versions of model other"),
        (f"{MODEL}/versions/9", f"Could not find version 9 of model {NAME}"),
        ("/v1/models/other/metadata", "Servable not found for request: Latest(other)"),
    ],
)
def test_the_status_of_what_is_not_there_is_404(rest, path, sentence):
    assert rest.get(path) == (404, {"error": sentence})


def test_other_verbs_and_paths_are_refused(rest):
    assert rest.get("/v1/models") == (400, {"error": "Malformed request: GET /v1/models"})
    assert rest.send("DELETE", MODEL)[0] == 400
    assert rest.send("GET", "/")[0] == 404


def test_more_texts_than_may_wait_are_429(rest):
    status, answer = rest.post(f"{MODEL}:predict", {"instances": ["a"] * 51})
    assert (status, list(answer)) == (429, ["error"])


def test_a_client_that_goes_away_costs_the_model_nothing(tmp_path):
    make_version(tmp_path, 1)
    model = SlowModel()
    settings = settings_for(tmp_path, batching=BatchSettings(workers=1))
    with running_server(settings, model.load) as server:
        body = json.dumps({"instances": ["gone"]})
        head = f"POST {MODEL}:predict HTTP/1.1\r\nHost: localhost\r\n"
        message = f"{head}Content-Length: {len(body)}\r\n\r\n"
        with socket.create_connection(("127.0.0.1", server.rest_port)) as running:
            running.sendall((message + body).encode())
            assert model.started.acquire(timeout=LONG)
            with socket.create_connection(("127.0.0.1", server.rest_port)) as gone:
                gone.sendall((message + body).encode())
                wait_for(lambda: server._scheduler.queued_rows == 1)
            wait_for(lambda: server._scheduler.queued_rows == 0)
            model.may_answer.set()
        assert model.asked == [[b"gone"]]


def test_a_client_that_goes_away_in_the_midst_of_its_body_leaves_no_traceback(tmp_path, caplog):
    make_version(tmp_path, 1)
    with running_server(settings_for(tmp_path)) as server:
        message = (
            f"POST {MODEL}:predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{{"
        )
        with socket.create_connection(("127.0.0.1", server.rest_port)) as gone:
            gone.sendall(message.encode())
        rest = Rest(server.rest_port)
        wait_for(lambda: b'code="CANCELLED"' in rest.send("GET", METRICS_PATH)[2])
    assert not [record for record in caplog.records if record.exc_info]


def test_a_request_that_takes_too_long_is_504(tmp_path):
    make_version(tmp_path, 1)
    model = SlowModel()
    with running_server(settings_for(tmp_path, rest_timeout_seconds=0.05), model.load) as server:
        status, answer = Rest(server.rest_port).post(f"{MODEL}:predict", {"instances": ["a"]})
        model.may_answer.set()
    assert (status, answer) == (504, {"error": "The request's deadline has passed."})


VALUES = strategies.recursive(
    strategies.none()
    | strategies.booleans()
    | strategies.floats()
    | strategies.integers()
    | strings,
    lambda inner: strategies.lists(inner) | strategies.dictionaries(strings, inner),
    max_leaves=5,
)
FORM = strategies.sampled_from(["instances", "inputs"])


def answer_or_refusal(rest: Rest, body: bytes) -> None:
    status, kind, content = rest.send("POST", f"{MODEL}:predict", body)
    assert kind == "application/json"
    answer = json.loads(content.decode())
    assert status == 200 or (status, list(answer)) == (400, ["error"])


@given(FORM, strategies.lists(strings, min_size=1, max_size=4))
def test_any_texts_are_translated_or_refused(rest: Rest, form: str, texts: list[str]) -> None:
    answer_or_refusal(rest, json.dumps({form: texts}).encode())


@given(strategies.dictionaries(FORM | strategies.just("signature_name") | strings, VALUES))
def test_any_json_is_answered_or_refused(rest: Rest, body: dict[str, Any]) -> None:
    answer_or_refusal(rest, json.dumps(body).encode())


@given(strategies.binary() | strings.map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_body_is_answered_or_refused(rest: Rest, body: bytes) -> None:
    answer_or_refusal(rest, body)


@given(
    strategies.sampled_from(
        ["/{}", "/v1/{}", "/v1/models/{}", MODEL + "/labels/{}", MODEL + "/versions/{}"]
    ),
    strings,
)
def test_any_path_is_answered_or_refused(rest: Rest, path: str, text: str) -> None:
    named = path.format(quote(text, errors="surrogatepass"))
    requests = (("GET", named, None), ("POST", f"{named}:predict", b'{"instances": ["a"]}'))
    for verb, address, body in requests:
        status, _, content = rest.send(verb, address, body)
        assert status == 200 or 400 <= status < 500
        assert content
