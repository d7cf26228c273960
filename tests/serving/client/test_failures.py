import threading

import grpc
import pytest

from serving.client import RetryPolicy, ServingError, TranslationClient, errors
from tests.serving.client.scripted_server import (
    FAILED_BATCHES,
    MODEL,
    RETRIED,
    Script,
    Stuck,
    serving,
    shout,
)

AT_ONCE = RetryPolicy(attempts=4, first_delay=0.01, max_delay=0.01)


@pytest.fixture
def server():
    with serving() as (address, script):
        yield address, script


@pytest.mark.parametrize("failures", [1, 3])
def test_a_call_is_tried_again_while_no_server_answers(failures):
    script = Script(failures=[grpc.StatusCode.UNAVAILABLE] * failures)
    with (
        serving(script) as (address, _),
        TranslationClient(address, MODEL, retry=AT_ONCE) as client,
    ):
        assert client.translate(["a"])[0].text == "A"
    assert script.calls == failures + 1


def test_one_attempt_means_no_other():
    script = Script(fails_always=grpc.StatusCode.UNAVAILABLE)
    with (
        serving(script) as (address, _),
        TranslationClient(address, MODEL, retry=RetryPolicy(attempts=1)) as client,
        pytest.raises(errors.Unavailable),
    ):
        client.translate(["a"])
    assert script.calls == 1


def test_a_request_larger_than_grpc_repeats_by_default_is_tried_again():
    script = Script(failures=[grpc.StatusCode.UNAVAILABLE])
    with (
        serving(script) as (address, _),
        TranslationClient(address, MODEL, retry=AT_ONCE) as client,
    ):
        client.translate(["x" * (1 << 20)])
    assert script.calls == 2


def test_a_call_is_given_up_after_the_last_attempt():
    script = Script(fails_always=grpc.StatusCode.UNAVAILABLE)
    with (
        serving(script) as (address, _),
        TranslationClient(address, MODEL, retry=AT_ONCE) as client,
        pytest.raises(errors.Unavailable, match="as it was told"),
    ):
        client.translate(["a"])
    assert script.calls == AT_ONCE.attempts


@pytest.mark.parametrize(
    "code",
    sorted(set(grpc.StatusCode) - {grpc.StatusCode.OK} - RETRIED, key=str),
)
def test_any_other_status_is_told_at_once(code):
    script = Script(fails_always=code)
    with (
        serving(script) as (address, _),
        TranslationClient(address, MODEL, retry=AT_ONCE) as client,
        pytest.raises(ServingError) as failure,
    ):
        client.translate(["a"])
    assert (failure.value.code, script.calls) == (code, 1)


@pytest.mark.parametrize(("code", "details"), FAILED_BATCHES)
def test_a_request_that_another_one_failed_is_sent_as_a_full_batch(code, details):
    script = Script(failures=[code], details=details)
    with (
        serving(script) as (address, _),
        TranslationClient(address, MODEL, retry=AT_ONCE, batch_size=4) as client,
    ):
        scored = client.score(["a", "b"], ["A", "B"])
    assert [each.text for each in scored] == ["A", "B"]
    sent = [request.texts for request in script.requests]
    assert sent == [[b"a", b"b"], [b"a", b"b", b"", b""]]


@pytest.mark.parametrize("attempts", [1, 3])
@pytest.mark.parametrize(("code", "details"), FAILED_BATCHES)
def test_a_request_that_others_always_fail_is_an_error(code, details, attempts):
    script = Script(fails_always=code, details=details)
    with (
        serving(script) as (address, _),
        TranslationClient(address, MODEL, retry=RetryPolicy(attempts)) as client,
        pytest.raises(errors.BatchFailed, match="set batch_size to the server's max_batch_size"),
    ):
        client.translate(["a"])
    assert script.calls == attempts


def test_all_attempts_share_one_deadline():
    script = Script(failures=[grpc.StatusCode.UNAVAILABLE] * 2)
    policy = RetryPolicy(attempts=3, first_delay=0.5, factor=1, max_delay=0.5)
    with (
        serving(script) as (address, _),
        TranslationClient(address, MODEL, retry=policy) as client,
    ):
        client.translate(["a"], timeout=5)
    first, _, last = (request.remaining for request in script.requests)
    # Two delays of at least 0.4 seconds, minus gRPC's rounding of up to a tenth of a second.
    assert last < first - 0.3


def test_an_answer_that_does_not_come_in_time_is_not_waited_for():
    script = Script(on_predict=Stuck())
    with (
        serving(script) as (address, _),
        TranslationClient(address, MODEL, retry=AT_ONCE) as client,
        pytest.raises(errors.DeadlineExceeded, match="within 0.1 seconds"),
    ):
        client.translate(["a"], timeout=0.1)
    assert script.calls == 1


def test_the_other_requests_are_given_up_when_one_fails():
    stuck = Stuck()

    def fail_or_wait(request, context):
        if request.texts == [b"!"]:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "bad text")
        stuck(request, context)

    script = Script(on_predict=fail_or_wait)
    with (
        serving(script) as (address, _),
        TranslationClient(address, MODEL, batch_size=1, max_in_flight=2) as client,
        pytest.raises(errors.InvalidRequest, match="bad text"),
    ):
        client.translate(["one", "!", "two", "three", "four"])


def test_no_server_at_all_is_a_sentence():
    with serving() as (address, _):
        pass
    with (
        TranslationClient(address, MODEL, retry=AT_ONCE) as client,
        pytest.raises(errors.Unavailable, match=f"No model server answers at {address}"),
    ):
        client.translate(["a"])


def test_a_server_that_comes_back_is_found_again():
    patient = RetryPolicy(attempts=5, first_delay=0.2, max_delay=1)
    with serving() as (address, _):
        client = TranslationClient(address, MODEL, retry=patient)
        client.translate(["a"])
    with client, serving(port=int(address.rpartition(":")[2])):
        assert client.translate(["b"])[0].text == "B"


def test_another_kind_of_server_is_named_as_such(monkeypatch):
    monkeypatch.setenv("no_grpc_proxy", "127.0.0.1")
    server = grpc.server(None)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with (
        TranslationClient(f"127.0.0.1:{port}", MODEL) as client,
        pytest.raises(errors.NotAModelServer, match="8500"),
    ):
        client.translate(["a"])
    server.stop(None)


LONG = "word " * 1100
"""Its attention exceeds gRPC's default limit of 4 MiB: 1,101 * 1,101 float32."""


def test_a_reply_larger_than_grpcs_default_arrives():
    with (
        serving(Script(as_content=True)) as (address, _),
        TranslationClient(address, MODEL) as client,
    ):
        assert client.translate([LONG])[0].attention.nbytes > 4 << 20


def test_a_reply_larger_than_allowed_is_a_sentence():
    with (
        serving(Script(as_content=True)) as (address, _),
        TranslationClient(address, MODEL, max_message_bytes=4 << 20) as client,
        pytest.raises(errors.ResourceExhausted, match="max_message_bytes"),
    ):
        client.translate([LONG])


def test_a_request_larger_than_grpcs_default_leaves(server):
    with TranslationClient(server[0], MODEL) as client:
        assert len(client.translate(["x" * (5 << 20)])[0].text) == 5 << 20


def test_a_request_larger_than_allowed_is_a_sentence(server):
    with (
        TranslationClient(server[0], MODEL, max_message_bytes=1 << 20) as client,
        pytest.raises(errors.ResourceExhausted, match="max_message_bytes"),
    ):
        client.translate(["x" * (2 << 20)])


def test_a_reply_that_breaks_the_contract_is_a_sentence():
    def without_attention(signature, **inputs):
        return {
            name: array for name, array in shout(signature, **inputs).items() if name != "attention"
        }

    with (
        serving(Script(answer=without_attention)) as (address, _),
        TranslationClient(address, MODEL) as client,
        pytest.raises(errors.InvalidReply, match="output 'attention' is missing"),
    ):
        client.translate(["a"])


@pytest.mark.parametrize(
    "ask",
    [
        lambda client: client.translate(["a"]),
        lambda client: client.translate([]),
        lambda client: client.translate_stream(["a"]),
        lambda client: client.score(["a"], ["b"]),
        lambda client: client.status(),
        lambda client: client.metadata(),
        lambda client: client.check_model(),
    ],
)
def test_a_closed_client_says_so(server, ask):
    client = TranslationClient(server[0], MODEL)
    client.close()
    client.close()
    with pytest.raises(errors.ClientClosed, match="create a new one"):
        ask(client)


def test_closing_ends_the_calls_of_other_threads():
    stuck, failures = Stuck(), []
    with serving(Script(on_predict=stuck)) as (address, _):
        client = TranslationClient(address, MODEL, batch_size=1, max_in_flight=1)

        def ask():
            try:
                client.translate(["a", "b"])
            except ServingError as error:
                failures.append(type(error))

        thread = threading.Thread(target=ask)
        thread.start()
        assert stuck.arrived.wait(Stuck.PATIENCE)
        client.close()
        thread.join(Stuck.PATIENCE)
    assert failures == [errors.ClientClosed]


def test_closing_ends_the_wait_for_another_attempt():
    script = Script(fails_always=grpc.StatusCode.UNAVAILABLE)
    hourly = RetryPolicy(attempts=5, first_delay=3600, max_delay=3600)
    failures = []
    with serving(script) as (address, _):
        client = TranslationClient(address, MODEL, retry=hourly, timeout=float("inf"))

        def ask():
            try:
                client.translate(["a"])
            except ServingError as error:
                failures.append(type(error))

        thread = threading.Thread(target=ask)
        thread.start()
        while not script.requests:
            thread.join(0.01)
        client.close()
        thread.join(Stuck.PATIENCE)
    assert failures == [errors.ClientClosed]
