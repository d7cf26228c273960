import contextlib
import itertools
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, strategies

from serving.client import Glossary, TranslationClient, errors
from serving.client.model_info import VersionState
from tests.any_text import strings
from tests.serving.client.scripted_server import MODEL, VERSION, Script, Stuck, serving
from tests.serving.server.fake_model import NAME, make_version, running_server, settings_for

TEXTS = ["the cat", "", "a", "the cat is on the mat", "sat", "on a mat", "the"]
REPOSITORY = Path(__file__).resolve().parents[3]


@pytest.fixture
def server():
    with serving() as (address, script):
        yield address, script


def test_a_translation_comes_with_its_tokens_score_and_attention(server):
    with TranslationClient(server[0], MODEL) as client:
        [translation] = client.translate(["the cat"])
    assert translation.text == "THE CAT"
    assert translation.score == -2
    assert translation.source_tokens == ("the", "cat", "</s>")
    assert translation.target_tokens == ("THE", "CAT", "</s>")
    assert not translation.truncated
    np.testing.assert_array_equal(translation.attention, np.eye(3))


def test_attention_is_cut_to_the_real_lengths_of_each_text(server):
    with TranslationClient(server[0], MODEL) as client:
        shapes = [answer.attention.shape for answer in client.translate(["a", "a b c d"])]
    assert shapes == [(2, 2), (5, 5)]


def test_the_beam_comes_along_when_asked_for(server):
    with TranslationClient(server[0], MODEL) as client:
        [translation] = client.translate(["the cat"], n_best=True)
    assert [hypothesis.score for hypothesis in translation.n_best] == [-2, -3]


def test_translations_have_the_terms_of_a_glossary(server):
    glossary = Glossary([("cat", "Katze")])
    with TranslationClient(server[0], MODEL) as client:
        [translation] = client.translate(["the cat"], glossary=glossary)
        [streamed] = client.translate_stream(["the cat"], glossary=glossary)
    assert translation.text == streamed.text == "THE KATZE"


def test_a_given_translation_is_scored_token_by_token(server):
    with TranslationClient(server[0], MODEL) as client:
        scored = client.score(["the cat sleeps", "mat"], ["die Katze", "Matte"])
    assert [each.text for each in scored] == ["die Katze", "Matte"]
    assert [len(each.token_log_probability) for each in scored] == [3, 2]


def test_scoring_refuses_unequal_numbers_of_texts_and_targets(server):
    with (
        TranslationClient(server[0], MODEL) as client,
        pytest.raises(ValueError, match="2 texts have 1 targets"),
    ):
        client.score(["a", "b"], ["c"])


@pytest.mark.parametrize("as_content", [False, True])
def test_both_forms_of_tensors_are_read_alike(as_content):
    with (
        serving(Script(as_content=as_content)) as (address, _),
        TranslationClient(address, MODEL) as client,
    ):
        assert [answer.text for answer in client.translate(TEXTS)] == [
            text.upper() for text in TEXTS
        ]


@pytest.mark.parametrize("batch_size", [1, 2, 3, 100])
def test_the_batch_size_changes_neither_answers_nor_their_order(server, batch_size):
    with TranslationClient(server[0], MODEL, batch_size=batch_size) as client:
        assert [answer.text for answer in client.translate(TEXTS)] == [
            text.upper() for text in TEXTS
        ]
    assert max(len(request.texts) for request in server[1].requests) <= batch_size


def test_texts_of_similar_length_go_together(server):
    with TranslationClient(server[0], MODEL, batch_size=2) as client:
        client.translate(["a", "long " * 9, "b", "wide " * 9])
    assert {b"a" in request.texts for request in server[1].requests} == {True, False}
    assert all((b"a" in request.texts) == (b"b" in request.texts) for request in server[1].requests)


@pytest.mark.parametrize("max_in_flight", [1, 3])
def test_as_many_requests_are_under_way_as_allowed_and_no_more(max_in_flight):
    together = threading.Barrier(max_in_flight)
    script = Script(on_predict=lambda *_: together.wait(Stuck.PATIENCE))
    with (
        serving(script) as (address, _),
        TranslationClient(address, MODEL, batch_size=1, max_in_flight=max_in_flight) as client,
    ):
        client.translate(["a"] * (4 * max_in_flight))
    assert script.most_at_once == max_in_flight


def test_nothing_to_translate_is_answered_without_asking(server):
    with TranslationClient(server[0], MODEL) as client:
        assert client.translate([]) == client.score([], []) == []
        assert list(client.translate_stream([])) == []
    assert server[1].calls == 0


@pytest.mark.parametrize("text", [b"caf\xe9", "lone \ud800 surrogate", "NUL \x00"])
def test_text_that_is_not_clean_is_sent_as_utf8(server, text):
    with TranslationClient(server[0], MODEL) as client:
        client.translate([text])
    server[1].requests[0].texts[0].decode("utf-8")


def test_a_version_can_be_chosen_by_number_or_label(server):
    for choice in ({}, {"version": 3}, {"label": "stable"}):
        with TranslationClient(server[0], MODEL, **choice) as client:
            client.translate(["a"])
    live, numbered, labelled = (request.spec for request in server[1].requests)
    assert live.WhichOneof("version_choice") is None
    assert numbered.version.value == 3
    assert labelled.version_label == "stable"


def test_headers_go_with_every_call(server):
    with TranslationClient(server[0], MODEL, headers={"Authorization": "Bearer x"}) as client:
        client.translate(["a"])
    assert server[1].requests[0].headers["authorization"] == "Bearer x"


def test_a_stream_is_translated_in_order(server):
    texts = [f"{'long ' * (number % 5)}{number}" for number in range(50)]
    with TranslationClient(server[0], MODEL, batch_size=3, max_in_flight=2) as client:
        translations = client.translate_stream(iter(texts))
        assert [translation.text for translation in translations] == [
            text.upper() for text in texts
        ]


def test_a_stream_without_end_is_read_no_further_ahead_than_promised(server):
    read = 0

    def lines():
        nonlocal read
        for read in itertools.count(1):
            yield f"line {read}"

    with TranslationClient(server[0], MODEL, batch_size=2, max_in_flight=3) as client:
        translations = client.translate_stream(lines())
        assert read == 0
        for number, translation in enumerate(itertools.islice(translations, 60), start=1):
            assert translation.text == f"LINE {number}"
            assert read - number < 2 * 2 * 3
        translations.close()


def test_a_stream_that_is_left_early_gives_up_its_requests():
    stuck = Stuck()
    script = Script(on_predict=lambda *call: b"b" in call[0].texts and stuck(*call))
    with (
        serving(script) as (address, _),
        TranslationClient(address, MODEL, batch_size=1, max_in_flight=1) as client,
    ):
        translations = client.translate_stream(["a", "b", "c"])
        next(translations)
        translations.close()
        assert client.translate(["d"])[0].text == "D"


def test_a_failure_of_the_source_ends_the_stream_with_it(server):
    def lines():
        yield "a"
        raise OSError("the disk is gone")

    with (
        TranslationClient(server[0], MODEL) as client,
        pytest.raises(OSError, match="the disk is gone"),
    ):
        list(client.translate_stream(lines()))


def test_one_text_instead_of_many_is_refused_before_a_stream_starts(server):
    with (
        TranslationClient(server[0], MODEL) as client,
        pytest.raises(TypeError, match="list of texts"),
    ):
        client.translate_stream("one text")


def test_the_versions_on_the_server_are_told_with_their_states(server):
    with TranslationClient(server[0], MODEL, version=VERSION) as client:
        newest, older = client.status()
    assert (newest.version, newest.state) == (VERSION, VersionState.AVAILABLE)
    assert (older.state, older.problem) == (VersionState.END, "too big")


def test_the_status_of_an_unknown_model_is_an_error(server):
    with (
        TranslationClient(server[0], "other") as client,
        pytest.raises(errors.ModelNotFound, match="model 'other'"),
    ):
        client.status()


def test_metadata_tells_the_version_and_its_signatures(server):
    with TranslationClient(server[0], MODEL) as client:
        metadata = client.check_model()
    assert metadata.version == VERSION
    assert metadata.signatures["serving_default"].outputs["attention"].dtype == "float32"


def test_a_model_without_a_signature_does_not_pass_the_check():
    with (
        serving(Script(signature_names=["serving_default", "score"])) as (address, _),
        TranslationClient(address, MODEL) as client,
        pytest.raises(errors.UnsuitableModel, match="signature 'n_best' is missing"),
    ):
        client.check_model()


def test_clients_know_nothing_of_each_other(server):
    with TranslationClient(server[0], MODEL) as client:
        TranslationClient(server[0], MODEL).close()
        assert client.translate(["a"])[0].text == "A"


@pytest.mark.parametrize(
    "settings",
    [
        {"batch_size": 0},
        {"max_in_flight": 0},
        {"timeout": 0},
        {"timeout": float("nan")},
        {"max_message_bytes": 0},
        {"keepalive_seconds": 0},
        {"version": 1, "label": "stable"},
        {"address": "http://localhost:8500"},
        {"address": "localhost"},
        {"address": ""},
        {"model": ""},
    ],
)
def test_settings_that_cannot_work_are_refused(settings):
    with pytest.raises(errors.InvalidSettings):
        TranslationClient(**{"address": "localhost:8500", "model": MODEL, **settings})


def test_a_timeout_of_a_call_is_checked_like_the_clients(server):
    with (
        TranslationClient(server[0], MODEL) as client,
        pytest.raises(errors.InvalidSettings, match="more than 0 seconds"),
    ):
        client.translate(["a"], timeout=-1)


def test_the_client_needs_neither_tensorflow_nor_tfx():
    program = (
        "import sys, serving.client; "
        "print({'tensorflow', 'tensorflow_serving', 'tfx', 'apache_beam', 'keras'}"
        " & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    assert (done.stdout, done.stderr) == ("set()\n", "")


@pytest.fixture(scope="module")
def model_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("models")
    make_version(folder, 1)
    with running_server(settings_for(folder)) as server:
        yield f"127.0.0.1:{server.port}"


@given(strategies.lists(strings | strategies.binary(), max_size=4), strategies.booleans())
def test_any_texts_are_translated_and_scored_or_refused(
    model_server: str, texts: list[str | bytes], split: bool
) -> None:
    with (
        TranslationClient(model_server, NAME) as client,
        contextlib.suppress(errors.InvalidRequest),
    ):
        assert len(client.translate(texts, n_best=True, split=split)) == len(texts)
        assert len(client.score(texts, texts)) == len(texts)


@given(strings, strings | strategies.none())
@example("\ud800", None)
@example("a", "\udfff")
def test_any_name_of_a_model_or_label_is_refused(
    model_server: str, name: str, label: str | None
) -> None:
    with (
        pytest.raises((errors.InvalidSettings, errors.ModelNotFound, errors.InvalidRequest)) as no,
        TranslationClient(model_server, name, label=label) as client,
    ):
        client.translate(["a"])
    str(no.value).encode()


@given(strings)
@example("\ud800")
def test_any_address_is_taken_or_refused(address: str) -> None:
    for each in (address, f"{address}:8500"):
        with contextlib.suppress(errors.InvalidSettings), TranslationClient(each, MODEL):
            each.encode()


@given(strings, strings)
@example("a b", "\n")
@example("\ud800", "\ud800")
def test_any_header_is_sent_or_refused(model_server: str, name: str, value: str) -> None:
    for headers in ({name: "a"}, {"a": value}, {"a" + name: value}):
        with (
            contextlib.suppress(errors.InvalidSettings),
            TranslationClient(model_server, NAME, headers=headers) as client,
        ):
            client.translate(["a"])
