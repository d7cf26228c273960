"""Where `nmt serve` differs from TensorFlow Serving: the table of docs/serving.md, row by row.

`make test-serving` asks the real server the same questions.
"""

import http.client
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import pytest
from tensorflow_serving.apis import prediction_service_pb2_grpc as service
from tensorflow_serving.apis.classification_pb2 import ClassificationRequest
from tensorflow_serving.apis.get_model_status_pb2 import GetModelStatusRequest
from tensorflow_serving.apis.inference_pb2 import MultiInferenceRequest
from tensorflow_serving.apis.model_service_pb2_grpc import ModelServiceStub
from tensorflow_serving.apis.predict_pb2 import PredictRequest
from tensorflow_serving.apis.regression_pb2 import RegressionRequest

from tests.serving.server.fake_model import NAME, make_version, running_server, settings_for
from tests.serving.tensorflow_model_server import needs_model_server, real_server

PAGE = Path(__file__).parents[2] / "docs/serving.md"
HANGS = "no answer"
Ask = Callable[["Server"], str]


class Server:
    """A running server of either kind."""

    def __init__(self, model: str, port: int, rest_port: int):
        self.model, self.port, self.rest_port = model, port, rest_port

    def status(self, ask: Ask) -> str:
        """The gRPC or HTTP status of a question; `HANGS` without an answer in two seconds."""
        try:
            return ask(self)
        except grpc.RpcError as error:
            code = error.code()
            return HANGS if code is grpc.StatusCode.DEADLINE_EXCEEDED else code.name
        except TimeoutError:
            return HANGS


def rest(verb: str, path: str, body: str | bytes | None = None, finds: str = "") -> Ask:
    """A question over REST; `{}` in the path is the model. `finds` must be in a good answer."""

    def ask(server: Server) -> str:
        connection = http.client.HTTPConnection("127.0.0.1", server.rest_port, timeout=2)
        try:
            connection.request(verb, path.replace("{}", server.model), body)
            reply = connection.getresponse()
            content = reply.read().decode("utf-8", "replace")
        finally:
            connection.close()
        assert reply.status != 200 or finds in content
        return str(reply.status)

    return ask


def predict(body: str | bytes, finds: str = "") -> Ask:
    """A question to the predict method over REST."""
    return rest("POST", "/v1/models/{}:predict", body, finds)


def over_grpc(call: Callable[[Server, grpc.Channel], object]) -> Ask:
    """A question over gRPC."""

    def ask(server: Server) -> str:
        with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
            call(server, channel)
        return "OK"

    return ask


def predict_texts(count: int, signature: str = "serving_default") -> Ask:
    """A gRPC predict request with so many texts."""

    def call(server: Server, channel: grpc.Channel) -> None:
        request = PredictRequest()
        request.model_spec.name, request.model_spec.signature_name = server.model, signature
        tensor = request.inputs["text"]
        tensor.dtype = 7
        tensor.tensor_shape.dim.add(size=count)
        tensor.string_val.extend([b"a"] * count)
        service.PredictionServiceStub(channel).Predict(request, timeout=2)

    return over_grpc(call)


def infer(name: str, kind: type) -> Ask:
    """A call of a method for classifiers."""

    def call(server: Server, channel: grpc.Channel) -> None:
        request = kind()
        spec = request.tasks.add() if kind is MultiInferenceRequest else request
        spec.model_spec.name = server.model
        if kind is MultiInferenceRequest:
            spec.method_name = "tensorflow/serving/classify"
        getattr(service.PredictionServiceStub(channel), name)(request, timeout=2)

    return over_grpc(call)


def nameless_status(_: Server, channel: grpc.Channel) -> None:
    request = GetModelStatusRequest()
    request.model_spec.signature_name = "x"  # a model_spec without a name
    ModelServiceStub(channel).GetModelStatus(request, timeout=2)


def unreadable(_: Server, channel: grpc.Channel) -> None:
    channel.unary_unary("/tensorflow.serving.PredictionService/Predict")(b"\xff\xff\xff", timeout=2)


GOOD = '{"inputs": {"text": ["a"]}}'
TWICE = (
    '{"signature_name": "serving_default", "signature_name": "n_best", "inputs": {"text": ["a"]}}'
)
ROWS: dict[str, tuple[list[Ask], str, str]] = {
    # question: how it is asked, the answer of TensorFlow Serving, the answer of nmt serve
    "more texts than `max_batch_size`, gRPC": (
        [predict_texts(33)],
        "INVALID_ARGUMENT",
        "INVALID_ARGUMENT",
    ),
    "more texts than `max_batch_size`, REST": (
        [predict(json.dumps({"inputs": {"text": ["a"] * 33}}))],
        "400",
        "400",
    ),
    "no texts, gRPC": ([predict_texts(0)], HANGS, "INVALID_ARGUMENT"),
    "no texts, REST": ([predict('{"inputs": {"text": []}}')], HANGS, "400"),
    "unreadable bytes": ([over_grpc(unreadable)], "INTERNAL", "INVALID_ARGUMENT"),
    "Classify, Regress, MultiInference": (
        [
            infer("Classify", ClassificationRequest),
            infer("Regress", RegressionRequest),
            infer("MultiInference", MultiInferenceRequest),
        ],
        "INVALID_ARGUMENT",
        "UNIMPLEMENTED",
    ),
    "the signature `__saved_model_init_op`": (
        [predict_texts(1, "__saved_model_init_op")],
        "INVALID_ARGUMENT",
        "FAILED_PRECONDITION",
    ),
    "status without a model's name": (
        [over_grpc(nameless_status)],
        "NOT_FOUND",
        "INVALID_ARGUMENT",
    ),
    "status with an unknown label": ([rest("GET", "/v1/models/{}/labels/no")], "200", "400"),
    "base64 with a newline": (
        [predict('{"inputs": {"text": [{"b64": "YQ\\n=="}]}}')],
        "200",
        "400",
    ),
    "text after the JSON": ([predict(f"{GOOD} x")], "200", "400"),
    "invalid UTF-8 in JSON": ([predict(b'{"inputs": {"text": ["a\xff"]}}')], "200", "400"),
    "a JSON key twice": ([predict(TWICE)], "200", "400"),
    "metrics by POST": ([rest("POST", "/monitoring/prometheus/metrics", "")], "200", "405"),
    "OPTIONS": ([rest("OPTIONS", "/v1/models/{}:predict")], "400", "405"),
}


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("models")
    make_version(folder, 1)
    with running_server(settings_for(folder)) as running:
        yield Server(NAME, running.port, running.rest_port)


@pytest.mark.parametrize("question", ROWS)
def test_the_answers_of_nmt_serve_are_those_of_the_table(ours: Server, question: str) -> None:
    asks, _, expected = ROWS[question]
    assert [ours.status(ask) for ask in asks] == [expected] * len(asks)


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    from tests.trainer.tiny_export import export_tiny_model

    folder = tmp_path_factory.mktemp("models")
    (folder / NAME).mkdir()
    export_tiny_model(folder).rename(folder / NAME / "1")
    with real_server(folder / NAME, tmp_path_factory.mktemp("logs")) as server:
        yield Server(server.model, server.port, server.rest_port)


@needs_model_server
@pytest.mark.slow
@pytest.mark.parametrize("question", ROWS)
def test_the_answers_of_tensorflow_serving_are_those_of_the_table(
    theirs: Server, question: str
) -> None:
    asks, expected, _ = ROWS[question]
    found = [theirs.status(ask) for ask in asks]
    if expected == HANGS:
        assert theirs.status(predict(GOOD)) == "200"  # joins the batch, so that it ends
    assert found == [expected] * len(asks)


def test_the_documentation_has_every_row() -> None:
    rows = re.findall(
        r"^\| (.+?) \| (.+?) \| (.+?) \| .+ \|$", PAGE.read_text(encoding="utf-8"), re.M
    )
    shown = {question: (theirs, ours) for question, theirs, ours in rows}
    expected = {question: (theirs, ours) for question, (_, theirs, ours) in ROWS.items()}
    assert {question: shown.get(question) for question in expected} == expected
