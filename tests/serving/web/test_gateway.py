import http.client
import io
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit
from xml.etree import ElementTree

import grpc
import numpy as np
import pytest
from hypothesis import given, strategies
from matplotlib import image
from starlette.testclient import TestClient

from serving.client.errors import InvalidSettings
from serving.contract import layout
from serving.heatmap import fonts
from serving.web import gateway, messages, pictures
from serving.web.gateway import create_app
from serving.web.page_errors import no_version
from serving.web.settings import WebSettings
from tests.any_text import strings
from tests.serving.client import scripted_server
from tests.serving.client.scripted_server import MODEL, VERSION, Script, Stuck, serving, shout
from tests.serving.web.dictionary_server import running_page

ROOT = Path(__file__).parents[3]
HOSTILE = '<script>alert("x")</script>'
PERSIAN = "می\u200cخواهم"
MATRIX = {
    "source": ["the", "cat", "(end)"],
    "target": ["die", "Katze"],
    "weights": [[0.9, 0.1, 0], [0.05, 0.9, 0.05]],
    "has_end": True,
}


@contextmanager
def _gateway(
    script: Script | None = None, **changes: object
) -> Iterator[tuple[TestClient, Script]]:
    with serving(script) as (address, running):
        yield TestClient(create_app(_settings(address, **changes)), "http://localhost"), running


def _settings(address: str, **changes: object) -> WebSettings:
    return WebSettings(**{"server": address, "model": MODEL, "timeout": 20.0, **changes})  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def page() -> Iterator[TestClient]:
    with _gateway() as (client, _):
        yield client


def _complaint(client: TestClient, text: str = "the cat", **asked: str) -> tuple[int, str]:
    reply = client.post("/api/translate", json={"text": text, **asked})
    assert list(reply.json()) == ["error"]
    return reply.status_code, reply.json()["error"]


def test_the_gateway_needs_neither_tensorflow_nor_tfx() -> None:
    program = (
        "import sys, serving.web.gateway, serving.web.program;"
        "sys.exit(' '.join({'tfx', 'apache_beam', 'keras', 'tensorflow', 'matplotlib'}"
        " & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", program], check=False, cwd=ROOT)
    assert done.returncode == 0


def test_the_page_and_its_parts_are_served_with_their_types(page: TestClient) -> None:
    types = {"/": "text/html", "/page.js": "text/javascript", "/style.css": "text/css"}
    for path, kind in types.items():
        reply = page.get(path)
        assert reply.status_code == 200
        assert reply.headers["content-type"].startswith(kind)


def test_the_model_is_described(page: TestClient) -> None:
    reply = page.get("/api/model").json()
    assert (reply["model"], reply["max_characters"]) == (MODEL, 2000)
    assert reply["source_language"] is reply["target_language"] is None


def test_the_versions_are_told_with_the_live_one(page: TestClient) -> None:
    reply = page.get("/api/versions").json()
    assert reply["live"] == str(VERSION)
    assert [(each["version"], each["state"], each["problem"]) for each in reply["versions"]] == [
        ("7", "available", ""),
        ("6", "end", "too big"),
    ]


def test_a_version_has_the_day_of_its_push_and_the_scores_of_its_model_card(
    tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setattr(scripted_server, "VERSION", 1_700_000_000)
    card = tmp_path / "1700000000" / layout.MODEL_CARD
    card.parent.mkdir(parents=True)
    card.write_text('{"training": {"validation_bleu": 35.2, "validation_chrf": 58.9}}')
    with _gateway(model_directory=str(tmp_path)) as (client, _):
        new, old = client.get("/api/versions").json()["versions"]
    assert (new["date"], new["bleu"], new["chrf"]) == ("2023-11-14", 35.2, 58.9)
    assert (old["bleu"], old["chrf"]) == (None, None)


def test_a_version_given_by_hand_without_a_card_has_neither_day_nor_scores(
    page: TestClient,
) -> None:
    version = page.get("/api/versions").json()["versions"][0]
    assert (version["date"], version["bleu"], version["chrf"]) == (None, None, None)


def test_a_translation_comes_with_its_beam_and_the_weights_between_words(page: TestClient) -> None:
    reply = page.post("/api/translate", json={"text": "the cat"}).json()
    assert reply["version"] == str(VERSION)
    best, second = reply["hypotheses"]
    assert (best["text"], best["score"], second["score"]) == ("THE CAT", -2, -3)
    assert best["words"] == {
        "source": ["the", "cat", "(end)"],
        "target": ["THE", "CAT"],
        "weights": [[1, 0, 0], [0, 1, 0]],
        "has_end": True,
        "source_direction": "ltr",
        "target_direction": "ltr",
    }
    assert best["tokens"]["target"] == ["THE", "CAT", "</s>"]
    assert best["pattern"] == "diagonal"


def test_where_the_encoder_looks_comes_for_each_sentence(page: TestClient) -> None:
    text = "the cat. a dog"
    assert page.post("/api/translate", json={"text": text}).json()["shows_source"]
    reply = page.post("/api/source", json={"text": text}).json()
    [[[first]], [[second]]] = (sentence["layers"] for sentence in reply["sentences"])
    assert reply["omitted"] == 0
    assert first["target"] == ["the", "cat."]
    assert second["source"] == ["a", "dog", "(end)"]
    assert second["weights"] == [[1, 0, 0], [0, 1, 0]]


def test_sentences_beyond_the_limit_are_counted(page: TestClient, monkeypatch) -> None:
    monkeypatch.setattr(gateway, "_MOST_SOURCE_WEIGHTS", 20)
    reply = page.post("/api/source", json={"text": "The cat. " * 5}).json()
    assert (len(reply["sentences"]), reply["omitted"]) == (2, 3)


@pytest.mark.parametrize("names", [["n_best"], ["unknown"]], ids=["lacks it", "no metadata"])
def test_a_translation_comes_without_a_look_at_the_encoder(names: list[str]) -> None:
    with _gateway(Script(signature_names=names)) as (client, _):
        reply = client.post("/api/translate", json={"text": "the cat"}).json()
    assert reply["hypotheses"][0]["text"] == "THE CAT"
    assert not reply["shows_source"]


def test_what_the_model_doubts_comes_with_the_translation(page: TestClient) -> None:
    def doubt(signature: str, **inputs: list[bytes]) -> dict:
        texts = inputs["text"]
        surprise = [[9.0 if b"chat" in text else 1.0, 1.0, 4.0] for text in texts]
        return {**shout(signature, **inputs), "doubt": np.array(surprise, np.float32)}

    with _gateway(Script(answer=doubt)) as (client, _):
        text = "The cat. Le chat."
        reply = client.post("/api/translate", json={"text": text}).json()
    assert reply["warnings"] == ["unlike the training text (sentence 2)"]
    reply = page.post("/api/translate", json={"text": text}).json()
    assert reply["warnings"] == []  # an older export knows no limits


def test_right_to_left_words_in_a_warning_stand_apart_from_it(page: TestClient) -> None:
    reply = page.post("/api/translate", json={"text": "a http://a.b/של"}).json()
    assert reply["warnings"] == [
        "protected: missing http://a.b/\u2067של\u2069, added HTTP://A.B/\u2067של\u2069"
    ]


def test_the_directions_of_both_sides_come_with_the_words_and_go_with_the_picture(
    page: TestClient,
) -> None:
    reply = page.post("/api/translate", json={"text": "של apt של"}).json()
    words = reply["hypotheses"][0]["words"]
    assert (words["source_direction"], words["target_direction"]) == ("rtl", "rtl")
    picture = {"format": "png", "matrix": reply["hypotheses"][0]["words"]}
    assert page.post("/api/picture", json=picture).status_code == 200


def test_a_version_that_is_chosen_is_the_one_that_is_asked() -> None:
    with _gateway() as (client, script):
        reply = client.post("/api/translate", json={"text": "a", "version": "6"})
    assert reply.json()["version"] == "6"
    assert [request.spec.version.value for request in script.requests] == [6]


@pytest.mark.parametrize(
    "text", [HOSTILE, PERSIAN, "lone \ud800 surrogate", "bell \x07", "a\u202eb"]
)
def test_any_text_is_answered_with_what_can_be_shown(page: TestClient, text: str) -> None:
    # As sent by JavaScript, with invalid UTF-8 in escapes.
    body = json.dumps({"text": text})
    reply = page.post("/api/translate", content=body, headers={"content-type": "application/json"})
    assert reply.status_code == 200
    words = " ".join(reply.json()["hypotheses"][0]["words"]["source"])
    assert ("\ufffd" in words) == (text not in (HOSTILE, PERSIAN))


def test_a_score_that_is_no_number_is_none() -> None:
    def nothing(*arguments: object) -> dict:
        arrays = shout(*arguments)  # type: ignore[arg-type]
        return {**arrays, "score": arrays["score"] * float("nan")}

    with _gateway(Script(answer=lambda signature, text: nothing(signature, text))) as (client, _):
        reply = client.post("/api/translate", json={"text": "a"}).json()
    assert [each["score"] for each in reply["hypotheses"]] == [None, None]


@pytest.mark.parametrize("text", ["", " \n\t"])
def test_without_text_the_answer_asks_for_some(page: TestClient, text: str) -> None:
    assert _complaint(page, text) == (422, "There is no text yet. Type a sentence.")


def test_a_text_that_is_too_long_is_refused_with_its_length() -> None:
    with _gateway(max_characters=1000) as (client, script):
        assert _complaint(client, "x" * 1001) == (
            422,
            "This text has 1,001 characters, and 1,000 are allowed. Shorten it.",
        )
    assert script.calls == 0


@pytest.mark.parametrize(
    ("code", "status", "words"),
    [
        (grpc.StatusCode.DEADLINE_EXCEEDED, 504, "took longer than 20 seconds"),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, 503, "too much to do"),
        (grpc.StatusCode.NOT_FOUND, 404, f"does not serve version 7 of model '{MODEL}'"),
        (grpc.StatusCode.INVALID_ARGUMENT, 422, "cannot read this text"),
        (grpc.StatusCode.UNIMPLEMENTED, 502, "is not a model server"),
        (grpc.StatusCode.UNAUTHENTICATED, 502, "denies access to this page"),
        (grpc.StatusCode.INTERNAL, 502, "failed. Try again, or see its log"),
    ],
)
def test_each_failure_of_the_server_is_a_sentence(
    code: grpc.StatusCode, status: int, words: str
) -> None:
    with _gateway(Script(fails_always=code, details="secret\n details")) as (client, _):
        found, sentence = _complaint(client, version="7")
    assert found == status
    assert words in sentence
    assert "secret" not in sentence


def test_a_server_that_is_not_there_is_a_sentence() -> None:
    with serving() as (address, _):
        pass
    client = TestClient(create_app(_settings(address)), "http://localhost")
    assert _complaint(client) == (
        503,
        f"The model server at {address} does not answer. Make sure that it runs, and try again.",
    )
    assert client.get("/api/versions").status_code == 503


def test_a_model_that_takes_too_long_is_a_sentence() -> None:
    stuck = Stuck()
    with _gateway(Script(on_predict=stuck), timeout=0.3) as (client, _):
        assert _complaint(client, version="7")[0] == 504
        assert stuck.given_up.wait(Stuck.PATIENCE)


def test_a_page_that_does_not_wait_gives_up_its_request_to_the_model() -> None:
    stuck = Stuck()
    with (
        serving(Script(on_predict=stuck)) as (server, _),
        running_page(_settings(server)) as address,
    ):
        connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=Stuck.PATIENCE)
        body = json.dumps({"text": "a", "version": "7"})
        connection.request("POST", "/api/translate", body, {"Content-Type": "application/json"})
        assert stuck.arrived.wait(Stuck.PATIENCE)
        connection.close()
        assert stuck.given_up.wait(Stuck.PATIENCE)


def test_a_reply_that_breaks_the_contract_is_a_sentence() -> None:
    with _gateway(Script(answer=lambda *_, **__: {})) as (client, _):
        assert _complaint(client)[0] == 502


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"text": 3},
        {"text": "a", "version": "-1"},
        {"text": "a", "version": "9" * 19},
        {"text": "a", "more": 1},
    ],
)
def test_a_request_that_cannot_be_read_is_refused_without_repeating_it(
    page: TestClient, body: dict
) -> None:
    reply = page.post("/api/translate", json=body)
    assert reply.status_code == 422
    assert reply.json()["error"].startswith("The gateway cannot read the request (body")
    assert "999" not in reply.text


@pytest.mark.parametrize("kind", [None, "text/plain", "application/x-www-form-urlencoded"])
def test_only_json_is_read_which_other_origins_cannot_send_unasked(
    page: TestClient, kind: str | None
) -> None:
    headers = {"content-type": kind} if kind else {}
    reply = page.post("/api/translate", content=b'{"text": "a"}', headers=headers)
    assert reply.status_code == 422


def test_a_body_that_is_too_large_is_refused_while_it_is_read(page: TestClient) -> None:
    def chunks() -> Iterator[bytes]:
        for _ in range(64):
            yield b"x" * (1 << 17)

    reply = page.post(
        "/api/translate", content=chunks(), headers={"content-type": "application/json"}
    )
    assert reply.status_code == 413
    assert "error" in reply.json()


def test_a_failure_of_our_own_is_a_sentence_and_no_traceback(monkeypatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("private")

    monkeypatch.setattr(messages.Hypothesis, "of", fail)
    with serving() as (address, _):
        application = create_app(_settings(address))
        client = TestClient(application, "http://localhost", raise_server_exceptions=False)
        assert _complaint(client) == (500, "The gateway failed (RuntimeError). See its log.")


@pytest.mark.parametrize(
    "path", ["/api/nothing", "/nothing", "/../gateway.py", "/%2e%2e/gateway.py"]
)
def test_what_is_not_there_is_not_found(page: TestClient, path: str) -> None:
    reply = page.get(path)
    assert (reply.status_code, reply.json()) == (404, {"error": "Not Found."})


def test_a_png_is_drawn_of_what_the_page_shows(page: TestClient) -> None:
    reply = page.post("/api/picture", json={"format": "png", "matrix": MATRIX})
    assert reply.headers["content-type"] == "image/png"
    assert reply.headers["content-disposition"] == 'attachment; filename="attention.png"'
    assert reply.headers["missing-fonts"] == ""
    assert min(image.imread(io.BytesIO(reply.content)).shape[:2]) > 100


def test_an_svg_is_well_formed_whatever_its_words_and_title_are(page: TestClient) -> None:
    matrix = {**MATRIX, "source": [HOSTILE, "\x00 & \x1b", "(end)"]}
    body = {"format": "svg", "title": f"{HOSTILE}\x01", "matrix": matrix}
    reply = page.post("/api/picture", json=body)
    assert reply.headers["content-type"].startswith("image/svg+xml")
    root = ElementTree.fromstring(reply.content)
    assert not [each for each in root.iter() if each.tag.endswith("}script")]


def test_a_picture_says_when_no_font_has_its_letters(page: TestClient, monkeypatch) -> None:
    monkeypatch.setattr(fonts, "_installed", list)
    matrix = {**MATRIX, "target": ["die", "แมว"]}
    reply = page.post("/api/picture", json={"format": "png", "matrix": matrix})
    assert reply.headers["missing-fonts"] == "Thai (Debian's fonts-noto-core)"


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"target": []}, "There is nothing to draw."),
        ({"weights": [[1, 0, 0]]}, "The weights do not fit the words."),
        ({"weights": [[1, 0, 0], [1, 0]]}, "The weights do not fit the words."),
        ({"weights": [[2, 0, 0], [1, 0, 0]]}, "A weight is not between 0 and 1."),
        ({"source": ["a"] * 300, "target": ["a"] * 300}, "This is too large for a picture."),
    ],
)
def test_what_cannot_be_drawn_is_refused(page: TestClient, changes: dict, sentence: str) -> None:
    reply = page.post("/api/picture", json={"format": "png", "matrix": {**MATRIX, **changes}})
    assert reply.status_code == 422
    assert reply.json()["error"].startswith(sentence)


def test_a_server_address_that_cannot_be_is_told_before_anything_is_asked() -> None:
    with pytest.raises(InvalidSettings, match="give HOST:PORT"):
        create_app(_settings("localhost"))


def test_more_pictures_than_can_be_drawn_soon_are_refused(monkeypatch) -> None:
    monkeypatch.setattr(pictures, "MOST_WAITING", 0)
    with serving() as (address, _):
        client = TestClient(create_app(_settings(address)), "http://localhost")
        reply = client.post("/api/picture", json={"format": "png", "matrix": MATRIX})
    assert (reply.status_code, "Try again" in reply.json()["error"]) == (503, True)


def test_a_model_that_is_still_loaded_is_told_so() -> None:
    assert "still loading debian" in str(no_version(["loading", "end"], "debian"))
    assert "has no available version of debian" in str(no_version(["end"], "debian"))


def answer_or_sentence(page: TestClient, path: str, body: bytes) -> Any:
    """Posts a body; returns the answer, or None if it is refused with a sentence."""
    reply = page.post(path, content=body, headers={"content-type": "application/json"})
    if reply.status_code == 200:
        return reply
    assert 400 <= reply.status_code < 500
    assert list(reply.json()) == ["error"]
    assert reply.json()["error"].endswith(".")
    return None


@given(strings)
def test_any_text_is_translated_or_refused_with_a_sentence(page: TestClient, text: str) -> None:
    answer = answer_or_sentence(page, "/api/translate", json.dumps({"text": text}).encode())
    assert (answer is not None) == bool(text.strip())


@given(
    strategies.sampled_from(["/api/translate", "/api/picture"]),
    strategies.binary()
    | strings.map(lambda text: text.encode("utf-8", "surrogatepass"))
    | strategies.dictionaries(
        strategies.sampled_from(["text", "version", "format", "title", "matrix"]) | strings,
        strings | strategies.floats() | strategies.dictionaries(strings, strings),
    ).map(lambda body: json.dumps(body).encode()),
)
def test_any_request_is_answered_or_refused_with_a_sentence(
    page: TestClient, path: str, body: bytes
) -> None:
    answer_or_sentence(page, path, body)


@given(strings)
def test_any_path_is_answered_or_unknown(page: TestClient, text: str) -> None:
    path = quote(text, errors="surrogatepass")
    assert page.get(f"/{path}").status_code in (200, 404, 405)


@given(strings, strings, strings)
def test_any_words_and_title_can_be_drawn(
    page: TestClient, title: str, source: str, target: str
) -> None:
    matrix = {"source": [source], "target": [target], "weights": [[1]], "has_end": False}
    body = {"format": "svg", "title": title, "matrix": matrix}
    answer = answer_or_sentence(page, "/api/picture", json.dumps(body).encode())
    if answer:
        ElementTree.fromstring(answer.content)
