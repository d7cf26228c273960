import asyncio
import contextlib
import itertools
import threading

import grpc
import numpy as np
import pytest

from serving.client import AsyncTranslationClient, Glossary, RetryPolicy, ServingError, errors
from serving.client.model_info import VersionState
from tests.serving.client.scripted_server import (
    FAILED_BATCHES,
    MODEL,
    RETRIED,
    VERSION,
    Script,
    Stuck,
    serving,
)

TEXTS = ["the cat", "", "a", "the cat is on the mat", "sat", "on a mat", "the"]
AT_ONCE = RetryPolicy(attempts=4, first_delay=0.01, max_delay=0.01)


def run(script: Script, ask, **settings):
    """Runs a coroutine function with a client of a server; returns its result."""

    async def main(address: str):
        async with AsyncTranslationClient(address, MODEL, **settings) as client:
            return await ask(client)

    with serving(script) as (address, _):
        return asyncio.run(main(address))


def test_a_translation_comes_with_its_tokens_score_and_attention():
    [translation] = run(Script(), lambda client: client.translate(["the cat"]))
    assert (translation.text, translation.score) == ("THE CAT", -2)
    assert translation.source_tokens == ("the", "cat", "</s>")
    np.testing.assert_array_equal(translation.attention, np.eye(3))


def test_the_beam_comes_along_when_asked_for():
    [translation] = run(Script(), lambda client: client.translate(["the cat"], n_best=True))
    assert [hypothesis.score for hypothesis in translation.n_best] == [-2, -3]


def test_translations_have_the_terms_of_a_glossary():
    glossary = Glossary([("cat", "Katze")])

    async def ask(client):
        streamed = [each async for each in client.translate_stream(["the cat"], glossary=glossary)]
        return streamed + await client.translate(["the cat"], glossary=glossary)

    assert [each.text for each in run(Script(), ask)] == ["THE KATZE"] * 2


def test_a_given_translation_is_scored_token_by_token():
    [scored] = run(Script(), lambda client: client.score(["the cat"], ["die Katze"]))
    assert len(scored.token_log_probability) == 3


@pytest.mark.parametrize("batch_size", [1, 3, 100])
def test_the_batch_size_changes_neither_answers_nor_their_order(batch_size):
    answers = run(Script(), lambda client: client.translate(TEXTS), batch_size=batch_size)
    assert [answer.text for answer in answers] == [text.upper() for text in TEXTS]


@pytest.mark.parametrize("max_in_flight", [1, 3])
def test_as_many_requests_are_under_way_as_allowed_and_no_more(max_in_flight):
    together = threading.Barrier(max_in_flight)
    script = Script(on_predict=lambda *_: together.wait(Stuck.PATIENCE))

    async def ask(client):
        half = ["a"] * (2 * max_in_flight)
        await asyncio.gather(client.translate(half), client.translate(half))

    run(script, ask, batch_size=1, max_in_flight=max_in_flight)
    assert script.most_at_once == max_in_flight


def test_nothing_to_translate_is_answered_without_asking():
    script = Script()
    assert run(script, lambda client: client.translate([])) == []
    assert script.calls == 0


def test_versions_and_signatures_are_told():
    async def ask(client):
        return await client.status(), await client.check_model()

    statuses, metadata = run(Script(), ask)
    assert [status.state for status in statuses] == [VersionState.AVAILABLE, VersionState.END]
    assert metadata.version == VERSION


@pytest.mark.parametrize("is_asynchronous", [False, True])
def test_a_stream_without_end_is_read_no_further_ahead_than_promised(is_asynchronous):
    read = 0

    def lines():
        nonlocal read
        for read in itertools.count(1):
            yield f"line {read}"

    async def arriving_lines():
        for line in lines():
            yield line

    async def ask(client):
        number = 0
        translations = client.translate_stream(arriving_lines() if is_asynchronous else lines())
        async with contextlib.aclosing(translations):
            async for translation in translations:
                number += 1
                assert translation.text == f"LINE {number}"
                assert read - number < 2 * 2 * 3
                if number == 60:
                    return

    run(Script(), ask, batch_size=2, max_in_flight=3)
    assert read >= 60


@pytest.mark.parametrize("number", [0, 1, 6, 7])
def test_a_stream_ends_with_its_last_text(number):
    async def texts():
        for position in range(number):
            yield str(position)

    async def ask(client):
        return [translation.text async for translation in client.translate_stream(texts())]

    answers = run(Script(), ask, batch_size=2, max_in_flight=3)
    assert answers == [str(position) for position in range(number)]


def test_a_stream_that_is_left_early_gives_up_its_requests():
    stuck = Stuck()
    script = Script(on_predict=lambda *call: b"b" in call[0].texts and stuck(*call))

    async def ask(client):
        async with contextlib.aclosing(client.translate_stream(["a", "b", "c"])) as translations:
            await anext(translations)
        return await client.translate(["d"])

    assert run(script, ask, batch_size=1, max_in_flight=1)[0].text == "D"


def test_cancelling_a_task_gives_up_its_requests_on_the_server():
    stuck = Stuck()

    async def ask(client):
        task = asyncio.create_task(client.translate(["a", "b"]))
        assert await asyncio.to_thread(stuck.arrived.wait, Stuck.PATIENCE)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await asyncio.to_thread(stuck.given_up.wait, Stuck.PATIENCE)
        return len(asyncio.all_tasks())

    script = Script(on_predict=stuck)
    assert run(script, ask, batch_size=1, max_in_flight=1) == 1
    assert script.calls == 1


def test_a_timeout_of_asyncio_works_as_with_any_coroutine():
    async def ask(client):
        async with asyncio.timeout(0.1):
            await client.translate(["a"])

    with pytest.raises(TimeoutError):
        run(Script(on_predict=Stuck()), ask)


def test_the_other_requests_are_given_up_when_one_fails():
    stuck = Stuck()

    def fail_or_wait(request, context):
        if request.texts == [b"!"]:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "bad text")
        stuck(request, context)

    async def ask(client):
        with pytest.raises(errors.InvalidRequest, match="bad text"):
            await client.translate(["one", "!", "two", "three", "four"])
        return len(asyncio.all_tasks())

    assert run(Script(on_predict=fail_or_wait), ask, batch_size=1, max_in_flight=2) == 1


def test_a_call_is_tried_again_while_no_server_answers():
    script = Script(failures=[grpc.StatusCode.UNAVAILABLE] * 2)
    run(script, lambda client: client.translate(["a"]), retry=AT_ONCE)
    assert script.calls == 3


@pytest.mark.parametrize("code", sorted(set(grpc.StatusCode) - {grpc.StatusCode.OK}, key=str))
def test_every_status_is_told_and_that_of_a_busy_server_after_other_attempts(code):
    script = Script(fails_always=code)
    with pytest.raises(ServingError) as failure:
        run(script, lambda client: client.translate(["a"]), retry=AT_ONCE)
    assert failure.value.code is code
    assert script.calls == (AT_ONCE.attempts if code in RETRIED else 1)


@pytest.mark.parametrize(("code", "details"), FAILED_BATCHES)
def test_a_request_that_another_one_failed_is_sent_as_a_full_batch(code, details):
    script = Script(failures=[code], details=details)
    answers = run(script, lambda client: client.translate(["a", "b"]), retry=AT_ONCE, batch_size=4)
    assert [answer.text for answer in answers] == ["A", "B"]
    sent = [request.texts for request in script.requests]
    assert sent == [[b"a", b"b"], [b"a", b"b", b"", b""]]


@pytest.mark.parametrize(("code", "details"), FAILED_BATCHES)
def test_a_request_that_others_always_fail_is_an_error(code, details):
    script = Script(fails_always=code, details=details)
    with pytest.raises(errors.BatchFailed, match="set batch_size to the server's max_batch_size"):
        run(script, lambda client: client.translate(["a"]), retry=AT_ONCE)
    assert script.calls == AT_ONCE.attempts


def test_an_answer_that_does_not_come_in_time_is_not_waited_for():
    script = Script(on_predict=Stuck())
    with pytest.raises(errors.DeadlineExceeded, match="within 0.1 seconds"):
        run(script, lambda client: client.translate(["a"], timeout=0.1), retry=AT_ONCE)
    assert script.calls == 1


def test_a_reply_larger_than_grpcs_default_arrives():
    # 1,101 * 1,101 float32 of attention
    ask = lambda client: client.translate(["word " * 1100])  # noqa: E731
    assert run(Script(as_content=True), ask)[0].attention.nbytes > 4 << 20


@pytest.mark.parametrize(
    "method",
    [
        lambda client: client.translate([]),
        lambda client: client.score(["a"], ["b"]),
        lambda client: client.status(),
        lambda client: client.metadata(),
        lambda client: anext(client.translate_stream(["a"])),
    ],
)
def test_a_closed_client_says_so(method):
    async def ask(client):
        await client.close()
        await method(client)

    with pytest.raises(errors.ClientClosed, match="create a new one"):
        run(Script(), ask)


def test_closing_ends_the_calls_of_other_tasks():
    stuck = Stuck()

    async def ask(client):
        task = asyncio.create_task(client.translate(["a", "b"]))
        assert await asyncio.to_thread(stuck.arrived.wait, Stuck.PATIENCE)
        await client.close()
        await task

    with pytest.raises(errors.ClientClosed):
        run(Script(on_predict=stuck), ask, batch_size=1, max_in_flight=1)


def test_a_client_may_be_made_before_there_is_an_event_loop():
    with serving() as (address, _):
        client = AsyncTranslationClient(address, MODEL)

        async def ask():
            async with client:
                return await client.translate(["a"])

        assert asyncio.run(ask())[0].text == "A"


def test_a_client_that_is_carried_to_another_event_loop_says_so():
    with serving() as (address, _):
        client = AsyncTranslationClient(address, MODEL)
        asyncio.run(client.translate(["a"]))
        with pytest.raises(errors.InvalidSettings, match="another event loop"):
            asyncio.run(client.translate(["a"]))
