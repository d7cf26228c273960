"""The API of LibreTranslate, which translators' tools such as Weblate speak.

POST /translate           texts or HTML in, their translations out
GET  /languages           the languages of the model; also POST
POST /detect              the likely languages of a text
POST /suggest             a better translation, to be trained on
GET  /frontend/settings   the limits

Requests are JSON or forms (https://docs.libretranslate.com). There is no password, so `api_key` is
not read. An error is `{"error": SENTENCE}`, with LibreTranslate's status 400 for bad requests.
"""

import asyncio
import itertools
import json
import logging
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Annotated, Any, Literal, TypeVar
from urllib.parse import parse_qsl

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, BeforeValidator, Field, ValidationError

from serving.client import AsyncTranslationClient
from serving.web.disconnects import unless_gone
from serving.web.markup import Document, html_document, plain_text
from serving.web.page_errors import PageError
from serving.web.settings import SuggestionRefused, WebSettings
from text.characters import LONE_SURROGATE
from text.identification import likely_languages
from text.languages import english_name, parse_language, usual_tag

_LOG = logging.getLogger(__name__)

_AUTO = "auto"
_MOST_TEXTS = 50
"""Texts of a request; Weblate sends 20."""
_MOST_TIMES = 10
"""Characters of all texts of a request, in lengths of the longest text."""
_MOST_FIELDS = 200
_MOST_ALTERNATIVES = 20
_BAD_REQUEST, _FORBIDDEN, _UNSUPPORTED_TYPE, _NO_STORAGE = 400, 403, 415, 507
_FORM, _JSON = "application/x-www-form-urlencoded", "application/json"
_MISSING = {"missing", "string_too_short", "too_short"}

Asking = Callable[[int | None], AbstractAsyncContextManager[AsyncTranslationClient]]
"""Opens a client of a version, None for the live one."""


def _whole(text: object) -> object:
    return LONE_SURROGATE.sub("\ufffd", text) if isinstance(text, str) else text


Text = Annotated[str, BeforeValidator(_whole)]
Given = Annotated[Text, Field(min_length=1)]


class _TranslateRequest(BaseModel):
    q: Given | Annotated[list[Text], Field(min_length=1)]
    source: Given
    target: Given
    format: Literal["text", "html", "", None] = None
    alternatives: int = Field(default=0, ge=0, le=_MOST_ALTERNATIVES)


class _DetectRequest(BaseModel):
    q: Given


class _SuggestRequest(BaseModel):
    q: Given
    s: Given
    source: Given
    target: Given


Asked = TypeVar("Asked", bound=BaseModel)


class LibreTranslate:
    """The routes, as methods.

    Args:
      settings: the settings of the page; without languages, every request is refused.
      asking: opens a client of the model server.
    """

    def __init__(self, settings: WebSettings, asking: Asking):
        self._settings = settings
        self._asking = asking
        codes = (settings.source_language, settings.target_language)
        self._languages = [usual_tag(code) for code in codes if code and all(codes)]

    def add_routes(self, api: FastAPI) -> None:
        """Adds the routes to an application."""
        api.post("/translate")(self.translate)
        api.get("/languages")(self.list_languages)
        api.post("/languages")(self.list_languages)
        api.post("/detect")(self.detect)
        api.post("/suggest")(self.suggest)
        api.get("/frontend/settings")(self.describe)

    async def translate(self, request: Request) -> JSONResponse:
        asked = await _read(request, _TranslateRequest)
        texts = [asked.q] if isinstance(asked.q, str) else asked.q
        if len(texts) > _MOST_TEXTS:
            raise PageError(_BAD_REQUEST, f"A request may have at most {_MOST_TEXTS} texts.")
        for text in texts:
            self._check_length(text)
        if sum(map(len, texts)) > _MOST_TIMES * self._settings.max_characters:
            raise PageError(_BAD_REQUEST, "These texts are too long for one request. Send fewer.")
        make = html_document if asked.format == "html" else plain_text
        documents = await asyncio.to_thread(lambda: [make(text) for text in texts])
        detected = None
        if asked.source == _AUTO:
            plain = (segment.plain for document in documents for segment in document.segments)
            [detected, *_] = self._detected("\n".join(plain))
        self._check_languages(detected["language"] if detected else asked.source, asked.target)
        found = await unless_gone(request, self._translate(documents, asked.alternatives))
        answer: dict[str, list[Any]] = {
            "translatedText": [each[0] for each in found],
            "alternatives": [each[1:] for each in found],
            "detectedLanguage": [detected] * len(found),
        }
        if not asked.alternatives:
            del answer["alternatives"]
        if detected is None:
            del answer["detectedLanguage"]
        is_one = isinstance(asked.q, str)
        return JSONResponse({name: each[0] if is_one else each for name, each in answer.items()})

    async def list_languages(self) -> JSONResponse:
        return JSONResponse(
            [
                # The model has one direction: nothing is translated from its target language.
                {"code": code, "name": english_name(code), "targets": self._languages[place + 1 :]}
                for place, code in enumerate(self._languages)
            ]
        )

    async def detect(self, request: Request) -> JSONResponse:
        asked = await _read(request, _DetectRequest)
        self._check_length(asked.q)
        return JSONResponse(self._detected(asked.q))

    async def suggest(self, request: Request) -> JSONResponse:
        store = self._settings.suggest
        if store is None:
            raise PageError(
                _FORBIDDEN,
                "Suggestions are off. Start `nmt web` with --suggestions to collect them.",
            )
        asked = await _read(request, _SuggestRequest)
        self._check_languages(asked.source, asked.target)
        try:
            await asyncio.to_thread(store, asked.q, asked.s)
        except SuggestionRefused as error:
            raise PageError(_BAD_REQUEST, str(error)) from error
        except OSError as error:
            _LOG.error("The suggestion could not be stored: %s", error)
            raise PageError(
                _NO_STORAGE, f"The suggestion could not be stored ({error.strerror})."
            ) from error
        return JSONResponse({"success": True})

    async def describe(self) -> JSONResponse:
        source, target = (
            {"code": code, "name": english_name(code)} for code in self._languages or ("", "")
        )
        return JSONResponse(
            {
                "apiKeys": False,
                "charLimit": self._settings.max_characters,
                "filesTranslation": False,
                "frontendTimeout": 500,
                "keyRequired": False,
                "language": {"source": source, "target": target},
                "suggestions": self._settings.suggest is not None,
                "supportedFilesFormat": [],
            }
        )

    async def _translate(self, documents: Sequence[Document], alternatives: int) -> list[list[str]]:
        """Returns the translation of each document, followed by other ones."""
        segments = [segment for document in documents for segment in document.segments]
        async with self._asking(None) as client:
            translate = partial(client.translate, glossary=self._settings.glossary)
            texts = [segment.text for segment in segments]
            found = await translate(texts, n_best=alternatives > 0) if texts else []
            hypotheses = [
                [segment.put(each.text) for each in best.n_best or (best,)]
                for segment, best in zip(segments, found, strict=True)
            ]
            lost = [index for index, (best, *_) in enumerate(hypotheses) if best is None]
            texts = [segments[index].plain for index in lost]
            plain = await translate(texts) if texts else []
        for index, translation in zip(lost, plain, strict=True):
            # Long texts take tenths of a second.
            hypotheses[index][0] = await asyncio.to_thread(segments[index].place, translation)
        rest = iter(hypotheses)
        return [
            _joined(document, list(itertools.islice(rest, len(document.segments))), alternatives)
            for document in documents
        ]

    def _detected(self, text: str) -> list[dict[str, Any]]:
        return [
            {"confidence": round(100 * share, 1), "language": code}
            for code, share in likely_languages(text, self._languages)
        ]

    def _check_length(self, text: str) -> None:
        most = self._settings.max_characters
        if len(text) > most:
            raise PageError(
                _BAD_REQUEST,
                f"This text has {len(text):,} characters, and {most:,} are allowed. Shorten it.",
            )

    def _check_languages(self, source: str, target: str) -> None:
        given = (source, target)
        if not self._languages or not all(map(_is_language, given, self._languages)):
            pair = " to ".join(self._languages) or "no language that it knows"
            raise PageError(_BAD_REQUEST, f"This page translates from {pair}, and nothing else.")


def _joined(
    document: Document, hypotheses: Sequence[Sequence[str | None]], alternatives: int
) -> list[str]:
    """Returns different translations of a document, the best first.

    Args:
      document: the document.
      hypotheses: the translations of each segment, best first; None for one that lost tags.
      alternatives: the most translations beside the best.
    """
    texts = []
    for rank in range(1 + alternatives):
        chosen = [each[rank] if rank < len(each) else None for each in hypotheses]
        pairs = zip(chosen, hypotheses, strict=True)
        texts.append(document.join([text or each[0] or "" for text, each in pairs]))
    return list(dict.fromkeys(texts))


def _is_language(code: str, ours: str) -> bool:
    """Whether a code stands for a language of the model: `pt` and `pt_BR` do for `pt-BR`."""
    try:
        given = parse_language(code)
    except ValueError:
        return False
    base = "" if given.script else given.base
    return ours in (given.tag, base) or given.tag == parse_language(ours).base


async def _read(request: Request, kind: type[Asked]) -> Asked:
    """Reads the fields of a request.

    Raises:
      PageError: the body is neither JSON nor a form, or a field is wrong or missing.
    """
    body = await request.body()
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    try:
        if media == _FORM:
            # Forms have line ends of their own.
            text = body.decode("utf-8", "replace").replace("%0D%0A", "%0A")
            fields = dict(parse_qsl(text, keep_blank_values=True, max_num_fields=_MOST_FIELDS))
        elif media == _JSON:
            fields = json.loads(body)
        else:
            raise PageError(_UNSUPPORTED_TYPE, f"Send the request as {_JSON} or as {_FORM}.")
        return kind.model_validate(fields)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0]) if first["loc"] else "body"
        if first["type"] in _MISSING:
            raise PageError(_BAD_REQUEST, f"Invalid request: missing {name} parameter.") from error
        raise PageError(_BAD_REQUEST, f"Invalid request: {name}: {first['msg']}.") from error
    except (ValueError, RecursionError) as error:
        raise PageError(_BAD_REQUEST, "Invalid request: the body cannot be read.") from error
