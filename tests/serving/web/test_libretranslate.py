"""The API of LibreTranslate, asked by a client of others and by hand."""

import json
import urllib.error
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
from hypothesis import given, strategies
from libretranslatepy import LibreTranslateAPI
from starlette.testclient import TestClient

from serving.web.gateway import create_app
from serving.web.settings import SuggestionRefused, WebSettings
from tests.any_text import strings
from tests.serving.client.scripted_server import MODEL, Script, serving, shout
from tests.serving.web.dictionary_server import running_page
from text.glossary import Glossary

CAT = {"q": "the cat", "source": "en", "target": "de"}
FORM = {"content-type": "application/x-www-form-urlencoded"}


def _settings(address: str, **changes: object) -> WebSettings:
    given = {"source_language": "en", "target_language": "de", "timeout": 20.0, **changes}
    return WebSettings(server=address, model=MODEL, **given)  # type: ignore[arg-type]


@contextmanager
def _page(script: Script | None = None, **changes: object) -> Iterator[TestClient]:
    with serving(script) as (address, _):
        yield TestClient(create_app(_settings(address, **changes)), "http://localhost")


@pytest.fixture(scope="module")
def page() -> Iterator[TestClient]:
    with _page() as client:
        yield client


def _swap_words(signature: str, **inputs: list[bytes]) -> dict:
    """Exchanges the first and the last word of a text, and keeps tags small."""
    arrays = shout(signature, **inputs)
    texts = [text.decode().split(" ") for text in inputs["text"]]
    swapped = [" ".join([words[-1], *words[1:-1], words[0]]) for words in texts]
    answers = [text.upper().replace("<X", "<x").encode() for text in swapped]
    return {**arrays, "translation": np.array(answers, object)}


def _refused(page: TestClient, path: str, status: int = 400, **fields: object) -> str:
    reply = page.post(path, json=fields)
    assert (reply.status_code, list(reply.json())) == (status, ["error"])
    return reply.json()["error"]


def test_a_client_of_others_translates_detects_and_lists() -> None:
    with serving() as (server, _), running_page(_settings(server)) as address:
        client = LibreTranslateAPI(address, api_key="any")
        assert client.translate("the cat & the <b>dog</b>", "en", "de", timeout=20) == (
            "THE CAT & THE <b>DOG</b>"
        )
        assert client.languages(timeout=20) == [
            {"code": "en", "name": "English", "targets": ["de"]},
            {"code": "de", "name": "German", "targets": []},
        ]
        [best, _] = client.detect("Ein Mann in einer roten Jacke.", timeout=20)
        assert best["language"] == "de"
        assert 99 < best["confidence"] <= 100
        with pytest.raises(urllib.error.HTTPError, match="400"):
            client.translate("the cat", "fr", "de", timeout=20)


def test_translations_have_the_terms_of_a_glossary() -> None:
    with _page(glossary=Glossary([("cat", "Katze")])) as page:
        tagged = page.post("/translate", json={**CAT, "q": "<b>the</b> cat", "format": "html"})
        own = page.post("/api/translate", json={"text": "the cat"})
    assert tagged.json()["translatedText"] == "<b>THE</b> KATZE"
    assert own.json()["hypotheses"][0]["text"] == "THE KATZE"


def test_the_requests_of_weblate_are_answered(page: TestClient) -> None:
    codes = [each["code"] for each in page.get("/languages").json()]
    assert codes == ["en", "de"]
    body = {"api_key": "", "q": ["a cat", "", "a [X0X] dog"], "source": "en", "target": "de"}
    reply = page.post("/translate", json=body).json()
    assert reply == {"translatedText": ["A CAT", "", "A [X0X] DOG"]}


def test_a_form_is_read_as_json_is(page: TestClient) -> None:
    reply = page.post("/translate", data={**CAT, "q": "the\r\ncat", "alternatives": "1"})
    assert reply.json() == {"translatedText": "THE\nCAT", "alternatives": []}
    assert page.post("/languages").json() == page.get("/languages").json()
    assert page.post("/detect", data={"q": "The cat is here."}).json()[0]["language"] == "en"


def test_alternatives_are_the_other_hypotheses_without_repetition() -> None:
    def answer(signature: str, **inputs: list[bytes]) -> dict:
        arrays = shout(signature, **inputs)
        if signature == "n_best":
            arrays["translation"] = np.array([[b"one", b"two"]] * len(inputs["text"]), object)
        return arrays

    with _page(Script(answer=answer)) as page:
        reply = page.post("/translate", json={**CAT, "alternatives": 3})
        assert reply.json() == {"translatedText": "one", "alternatives": ["two"]}
        reply = page.post("/translate", json={**CAT, "q": ["a", "b"], "alternatives": 1})
    assert reply.json()["alternatives"] == [["two"], ["two"]]


def test_an_unknown_language_is_detected(page: TestClient) -> None:
    text = "The cat is on the mat."
    reply = page.post("/translate", json={**CAT, "q": text, "source": "auto"}).json()
    assert reply["detectedLanguage"]["language"] == "en"
    assert reply["detectedLanguage"]["confidence"] > 90
    reply = page.post("/translate", json={**CAT, "q": [text, text], "source": "auto"}).json()
    assert [each["language"] for each in reply["detectedLanguage"]] == ["en", "en"]
    french = "Bonjour mon ami, comment ça va aujourd'hui ?"
    assert "from en to de" in _refused(page, "/translate", **{**CAT, "q": french, "source": "auto"})


def test_tags_come_out_around_their_words() -> None:
    html = "<p>red <b>cat</b></p> <code>x y</code>"
    with _page(Script(answer=_swap_words)) as page:
        reply = page.post("/translate", json={**CAT, "q": html, "format": "html"}).json()
    assert reply["translatedText"] == "<p><b>CAT</b> RED</p> <code>x y</code>"


def test_tags_that_a_model_loses_are_placed_by_its_attention(page: TestClient) -> None:
    html = '<p>a <a href="x?y">red &amp; blue</a> cat</p><p>dog</p>'
    asked = {**CAT, "q": html, "format": "html", "alternatives": 2}
    assert page.post("/translate", json=asked).json() == {
        "translatedText": '<p>A <a href="x?y">RED &amp; BLUE</a> CAT</p><p>DOG</p>',
        "alternatives": [],
    }


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"q": None}, "Invalid request: q: Input should be a valid string."),
        ({"q": ""}, "Invalid request: missing q parameter."),
        ({"source": ""}, "Invalid request: missing source parameter."),
        ({"target": "fr"}, "from en to de"),
        ({"target": "%%"}, "from en to de"),
        ({"format": "pdf"}, "Invalid request: format: Input should be"),
        ({"alternatives": -1}, "Invalid request: alternatives:"),
        ({"q": "x" * 2001}, "This text has 2,001 characters, and 2,000 are allowed."),
        ({"q": ["x"] * 51}, "at most 50 texts"),
        ({"q": ["x", "x" * 2001]}, "2,001 characters"),
        ({"q": ["x" * 2000] * 11}, "too long for one request"),
    ],
)
def test_a_bad_request_is_refused_with_a_sentence(
    page: TestClient, changes: dict, words: str
) -> None:
    assert words in _refused(page, "/translate", **{**CAT, **changes})


def test_what_is_missing_is_named(page: TestClient) -> None:
    assert _refused(page, "/translate") == "Invalid request: missing q parameter."
    assert _refused(page, "/detect") == "Invalid request: missing q parameter."


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        ("application/json", b"{", 400),
        ("application/json", b"[" * 100_000, 400),
        ("application/json", b"\xff", 400),
        ("application/json", b"[1]", 400),
        ("application/x-www-form-urlencoded", b"&a=" * 1000, 400),
        ("multipart/form-data; boundary=x", b"--x--", 415),
    ],
)
def test_a_body_of_another_kind_is_refused(
    page: TestClient, kind: str, body: bytes, status: int
) -> None:
    reply = page.post("/translate", content=body, headers={"content-type": kind})
    assert (reply.status_code, list(reply.json())) == (status, ["error"])


def test_a_body_that_is_too_large_is_not_read(page: TestClient) -> None:
    body = b'"' + b"x" * (5 << 20)
    reply = page.post("/translate", content=body, headers={"content-type": "application/json"})
    assert reply.status_code == 413


@pytest.mark.parametrize(
    ("code", "is_ours"),
    [("pt-BR", True), ("pt_br", True), ("pt", True), ("pt-PT", False), ("en", False)],
)
def test_a_language_may_be_named_without_its_region(code: str, is_ours: bool) -> None:
    with _page(target_language="pt_BR") as page:
        reply = page.post("/translate", json={**CAT, "target": code})
        assert reply.status_code == (200 if is_ours else 400)
        assert page.get("/languages").json()[0]["targets"] == ["pt-BR"]


def test_a_region_is_no_other_language(page: TestClient) -> None:
    assert page.post("/translate", json={**CAT, "target": "de_AT"}).status_code == 200
    assert page.post("/translate", json={**CAT, "target": "de_Cyrl"}).status_code == 400


def test_a_page_without_languages_translates_nothing_for_others() -> None:
    with _page(source_language=None) as page:
        assert page.get("/languages").json() == []
        assert page.get("/frontend/settings").json()["language"]["source"]["code"] == ""
        assert "no language" in _refused(page, "/translate", **CAT)


@pytest.mark.parametrize("path", ["/translate", "/detect", "/suggest", "/languages"])
def test_pages_of_other_origins_are_refused(path: str) -> None:
    stored: list = []
    with _page(suggest=lambda *pair: stored.append(pair)) as page:
        for origin in ("http://evil.example", "http://localhost:81", "null", "http://["):
            reply = page.post(path, data={**CAT, "s": "x"}, headers={"origin": origin})
            assert (reply.status_code, list(reply.json())) == (403, ["error"])
        own = page.post(path, data={**CAT, "s": "x"}, headers={"origin": "http://localhost"})
        assert own.status_code == 200
        assert page.post(path, data=CAT, headers={"host": "evil.example"}).status_code == 421
    assert len(stored) == (path == "/suggest")


def test_suggestions_are_refused_unless_they_are_wanted(page: TestClient) -> None:
    sentence = _refused(page, "/suggest", 403, **CAT, s="die Katze")
    assert sentence == "Suggestions are off. Start `nmt web` with --suggestions to collect them."
    assert page.get("/frontend/settings").json()["suggestions"] is False


def test_a_suggestion_is_stored_if_it_can_be() -> None:
    stored = []

    def suggest(source: str, target: str) -> None:
        if target == "full":
            raise OSError(28, "No space left on device")
        if target == "bad":
            raise SuggestionRefused("This cannot be trained on.")
        stored.append((source, target))

    with _page(suggest=suggest) as page:
        assert page.get("/frontend/settings").json()["suggestions"] is True
        assert page.post("/suggest", json={**CAT, "s": "die Katze"}).json() == {"success": True}
        assert page.post("/suggest", data={**CAT, "s": "eine Katze"}).json() == {"success": True}
        assert "missing s" in _refused(page, "/suggest", **CAT)
        assert "from en to de" in _refused(page, "/suggest", **{**CAT, "source": "de"}, s="x")
        assert _refused(page, "/suggest", **CAT, s="bad") == "This cannot be trained on."
        assert "No space left on device" in _refused(page, "/suggest", 507, **CAT, s="full")
    assert stored == [("the cat", "die Katze"), ("the cat", "eine Katze")]


@given(
    strategies.sampled_from(["/translate", "/detect", "/suggest"]),
    strategies.dictionaries(
        strategies.sampled_from(["q", "s", "source", "target", "format", "alternatives"]),
        strings
        | strategies.sampled_from(["en", "de", "auto", "html", "<b>", 1])
        | strategies.lists(strings, max_size=3)
        | strategies.none(),
    ).map(json.dumps),
)
def test_any_request_is_answered_or_refused_with_a_sentence(
    page: TestClient, path: str, body: str
) -> None:
    reply = page.post(path, content=body, headers={"content-type": "application/json"})
    assert reply.status_code in (200, 400, 403)
    assert reply.status_code == 200 or reply.json()["error"].endswith(".")
