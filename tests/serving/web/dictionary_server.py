"""A model server with dictionaries as versions, and a page that uses it.

Version 2 has Kater instead of version 1's Katze; both translate an empty text to an empty text. A
word of more than four letters is two subwords. Version 2 has an encoder of self-attention with two
layers of two heads: the first head of each looks at its own word, the second at the first word.
"""

import asyncio
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from serving.contract.signatures import (
    CONTRACTS,
    END_SYMBOL,
    N_BEST,
    SERVING_DEFAULT,
    SOURCE_ATTENTION,
)
from serving.protocol import messages
from serving.server.loaded_model import LoadedModel, LoadedSignature
from serving.server.slicing import Inputs
from serving.web.program import make_server
from serving.web.settings import WebSettings
from tests.serving.server.fake_model import (
    LONG,
    NAME,
    RunningServer,
    make_version,
    running_server,
    settings_for,
)
from text.characters import WORD_START

WORDS = {"nothing": "", "the": "die", "is": "ist", "on": "auf", "mat": "Matte", "mat.": "Matte."}
CATS = {1: "Katze", 2: "Kater"}
ON_OWN_WORD = 0.8
"""Weight of each token on its source word; the rest is spread over all tokens."""
SLOW = "slow"
"""A word whose translation waits for `Dictionary.may_go_on`."""
EXAMPLES = ("the cat is on the mat.", "the mat")


@dataclass
class Dictionary:
    """Loads versions, and lets texts with the slow word wait."""

    may_go_on: threading.Event = field(default_factory=threading.Event)

    def load(self, path: str, number: int) -> LoadedModel:
        definitions = messages.SignatureDefMap()
        for name in (SERVING_DEFAULT, N_BEST):
            definitions.signature_def[name].method_name = "tensorflow/serving/predict"
        contract = CONTRACTS[N_BEST]
        signature = LoadedSignature(
            N_BEST,
            tuple(contract.inputs),
            tuple(contract.outputs),
            shares_batches=False,
            call=lambda inputs: self._answer(inputs, {**WORDS, "cat": CATS[number]}),
        )
        signatures = {N_BEST: signature}
        if number > 1:
            definitions.signature_def[SOURCE_ATTENTION].method_name = "tensorflow/serving/predict"
            signatures[SOURCE_ATTENTION] = LoadedSignature(
                SOURCE_ATTENTION, ("text",), tuple(CONTRACTS[SOURCE_ATTENTION].outputs),
                shares_batches=False, call=_look_at_source,
            )  # fmt: skip
        return LoadedModel(number, signatures, definitions, close=lambda: None)

    def _answer(self, inputs: Inputs, dictionary: dict[str, str]) -> dict[str, np.ndarray]:
        answers = [self._translate(text, dictionary) for text in inputs["text"]]
        return {name: _stacked([each[name] for each in answers]) for name in answers[0]}

    def _translate(self, text: bytes, dictionary: dict[str, str]) -> dict[str, np.ndarray]:
        source = text.decode().split()
        if SLOW in source:
            assert self.may_go_on.wait(LONG)
        target = [dictionary.get(word.lower(), word) for word in source]
        target = [word for word in target if word]
        hypotheses = [target, [word.upper() for word in target]]
        source_tokens, _ = _tokens(source)
        target_tokens = [_tokens(words)[0] for words in hypotheses]
        attention = np.array([_attention(source, words) for words in hypotheses])
        return {
            "translation": np.array([[" ".join(words).encode() for words in hypotheses]], object),
            "score": np.array([[-0.25, -1.5]], np.float32),
            "source_tokens": _encoded([source_tokens]),
            "target_tokens": _encoded(target_tokens)[np.newaxis],
            "attention": attention[np.newaxis].astype(np.float32),
            "source_length": np.array([len(source_tokens)], np.int32),
            "target_length": np.array([[len(tokens) for tokens in target_tokens]], np.int32),
            "truncated": np.array([[False, False]]),
        }


def _look_at_source(inputs: Inputs) -> dict[str, np.ndarray]:
    [text] = inputs["text"]
    words = text.decode().split()
    tokens, _ = _tokens(words)
    own = _attention(words, words)
    first = np.zeros_like(own)
    first[:, 0] = 1
    return {
        "source_tokens": _encoded([tokens]),
        "source_length": np.array([len(tokens)], np.int32),
        "self_attention": np.array([[[own, first]] * 2], np.float32),
        "truncated": np.array([False]),
    }


def _stacked(answers: list[np.ndarray]) -> np.ndarray:
    """Joins answers to one text each, padded to the largest."""
    shape = np.max([each.shape for each in answers], axis=0)
    padded = np.full([len(answers), *shape[1:]], b"" if answers[0].dtype == object else 0)
    padded = padded.astype(answers[0].dtype)
    for row, each in enumerate(answers):
        padded[(row, *map(slice, each.shape[1:]))] = each[0]
    return padded


def _tokens(words: list[str]) -> tuple[list[str], list[int]]:
    """Cuts words into subwords; returns these and the position of each one's word."""
    tokens, owners = [], []
    for place, word in enumerate(words):
        parts = [word[:3], word[3:]] if len(word) > 4 else [word]
        tokens += [WORD_START + parts[0], *parts[1:]]
        owners += [place] * len(parts)
    return [*tokens, END_SYMBOL], [*owners, len(words)]


def _attention(source: list[str], target: list[str]) -> np.ndarray:
    _, of_source = _tokens(source)
    _, of_target = _tokens(target)
    own = np.equal.outer(of_target, of_source).astype(float)
    return ON_OWN_WORD * own / own.sum(axis=1, keepdims=True) + (1 - ON_OWN_WORD) / len(of_source)


def _encoded(rows: list[list[str]]) -> np.ndarray:
    return np.array([[token.encode() for token in row] for row in rows], object)


@contextmanager
def dictionary_server(
    folder: Path, versions: int = 2, dictionary: Dictionary | None = None
) -> Iterator[RunningServer]:
    """Runs a model server with a number of versions."""
    for number in range(1, versions + 1):
        make_version(folder, number)
    settings = settings_for(folder, latest_versions=versions, grace_seconds=0.1)
    with running_server(settings, (dictionary or Dictionary()).load) as server:
        yield server


def page_settings(server_port: int, **changes: object) -> WebSettings:
    """Returns settings of a page for a server on the loopback."""
    settings = WebSettings(
        server=f"127.0.0.1:{server_port}",
        model=NAME,
        timeout=LONG,
        source_language="en",
        target_language="de",
        examples=EXAMPLES,
    )
    return replace(settings, **changes)  # type: ignore[arg-type]


@contextmanager
def running_page(settings: WebSettings) -> Iterator[str]:
    """Runs the gateway in a thread.

    Yields:
      The address of its page.
    """
    server = make_server(settings)
    with socket.create_server(("127.0.0.1", 0)) as listening, ThreadPoolExecutor(1) as pool:
        life = pool.submit(lambda: asyncio.run(server.serve(sockets=[listening])))
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}/"
        finally:
            server.should_exit = True
            life.result(LONG)
