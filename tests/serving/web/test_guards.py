import asyncio
from pathlib import Path

import pytest
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient

from serving.web.guards import SECURITY_HEADERS, Guards

STATIC = Path(__file__).parents[3] / "serving/web/static"


def _reply(host: str, path: str = "/", allowed: tuple[str, ...] = ()):
    client = TestClient(Guards(PlainTextResponse("inside"), allowed), "http://localhost")
    return client.get(path, headers={"host": host})


@pytest.mark.parametrize(
    "host",
    ["localhost", "localhost:8080", "LOCALHOST.", "page.localhost", "127.0.0.1:1", "[::1]:8080",
     "192.168.1.7:8080", "school.example:8080"],
)  # fmt: skip
def test_the_page_is_served_under_its_own_names_and_under_addresses(host: str) -> None:
    assert _reply(host, allowed=("School.example",)).text == "inside"


@pytest.mark.parametrize(
    "host",
    ["", "evil.example", "evil.example:8080", "localhost.evil.example", "127.0.0.1.evil.example",
     "evillocalhost", "[evil]:80", "1.2.3.4.5"],
)  # fmt: skip
def test_a_name_that_somebody_let_point_here_is_refused(host: str) -> None:
    reply = _reply(host)
    assert reply.status_code == 421
    assert "inside" not in reply.text
    assert reply.headers["content-type"].startswith("text/plain")


@pytest.mark.parametrize(
    ("path", "origin", "status"),
    [
        ("/translate", "http://localhost:8080", 200),
        ("/translate", "http://localhost", 403),
        ("/translate", "null", 403),
        ("/translate", "http://[", 403),
        ("/api/translate", "https://a-proxy.example", 200),  # reads JSON only
    ],
)
def test_forms_of_other_origins_are_refused(path: str, origin: str, status: int) -> None:
    client = TestClient(Guards(PlainTextResponse("inside"), ()), "http://localhost")
    headers = {"host": "localhost:8080", "origin": origin}
    assert client.post(path, data={"q": "a"}, headers=headers).status_code == status


@pytest.mark.parametrize("host", ["localhost", "evil.example"])
def test_every_answer_has_the_headers_that_keep_others_out(host: str) -> None:
    headers = _reply(host).headers
    for name, value in SECURITY_HEADERS.items():
        assert headers[name] == value
    assert not [name for name in headers if name.startswith("access-control")]


def test_the_policy_allows_nothing_inline_and_nobody_elses() -> None:
    policy = SECURITY_HEADERS["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")
    sources = {word for part in policy.split("; ") for word in part.split()[1:]}
    assert sources == {"'none'", "'self'"}


def test_answers_are_not_kept_and_files_are_asked_for_anew() -> None:
    assert _reply("localhost", "/api/model").headers["cache-control"] == "no-store"
    assert _reply("localhost", "/page.js").headers["cache-control"] == "no-cache"


def test_what_is_not_http_passes() -> None:
    passed = []

    async def inside(scope, receive, send) -> None:
        passed.append(scope["type"])

    asyncio.run(Guards(inside, ())({"type": "lifespan"}, None, None))  # type: ignore[arg-type]
    assert passed == ["lifespan"]


def test_the_page_names_no_other_host_and_makes_no_markup_of_text() -> None:
    for file in STATIC.iterdir():
        content = file.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        for forbidden in ("http:", "https:", "innerHTML", "outerHTML", "insertAdjacentHTML",
                          "document.write", "eval(", "@import", "url("):  # fmt: skip
            assert forbidden not in content, (file.name, forbidden)
