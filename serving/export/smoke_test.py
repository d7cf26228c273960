"""The smoke test of an export: requests with ordinary and odd texts, alone and in batches.

`response_checks` checks a single answer; this module sends the requests and compares the answers.
"""

import time
from collections.abc import Sequence

from serving.contract import response_checks as checks
from serving.contract.response_checks import Response
from serving.contract.signatures import (
    CONTRACTS,
    N_BEST,
    SCORE,
    SERVE_EXAMPLES,
    SERVING_DEFAULT,
    SOURCE_ATTENTION,
)
from serving.export.report import Problem, RequestRecord
from serving.export.time_limit import TimeLimitError, within
from serving.local.outside_cause import lacks_memory
from serving.local.saved_model import ModelCallError, SavedModel
from serving.protocol.messages import Example

ORDINARY_TEXTS = (
    b"This package contains the documentation.",
    b"Two dogs run across the green grass while a child in a red jacket is watching them.",
    b"Hello!",
    b"The program reads a list of files, and writes the 25 largest of them to a new archive.",
)
LONG_TEXT_WORDS = 5_000
EMPTY_TEXTS = {"empty text": b"", "white space": b" \t\n  "}
ODD_TEXTS = {
    "bytes that are not UTF-8": b"caf\xe9 \xff\xfe\x80 au lait",
    "unknown scripts": "\u0780\u07a6\u0782\u07a7 \U00012000 \U0001f98a \u4f60\u597d".encode(),
    "NUL and control characters": b"a\x00b\x07 \x1b[31mred\x7f",
}
LONG_TEXT = b" ".join([b"word"] * LONG_TEXT_WORDS)
MIXED_TEXTS = (*ORDINARY_TEXTS, *EMPTY_TEXTS.values(), *ODD_TEXTS.values(), LONG_TEXT)
MAX_REQUESTS = 27
"""A check sends at most this many requests; the parent process derives its time limit from it."""


class SmokeTest:
    """The requests sent to a model so far, and the problems found.

    Args:
      model: the model.
      max_seconds: time limit of each request.
    """

    def __init__(self, model: SavedModel, max_seconds: float):
        self.model = model
        self.max_seconds = max_seconds
        self.problems: list[Problem] = []
        self.requests: list[RequestRecord] = []

    def report(self, request: str, problems: Sequence[str]) -> None:
        """Records the problems of a request."""
        self.problems += [Problem(request, problem) for problem in problems]

    def ask(self, name: str, signature: str, **inputs: Sequence[bytes]) -> Response | None:
        """Sends one request and checks its answer alone.

        Returns:
          The answer, for comparison with others; None if its form is invalid.

        Raises:
          TimeLimitError: no answer in time; the call cannot be stopped, so the model stays busy.
          ModelCallError: there was too little memory, which says nothing about the model.
        """
        request, texts = f"{signature}, {name}", len(next(iter(inputs.values())))
        started = time.monotonic()
        try:
            response = within(self.max_seconds, lambda: self.model.call(signature, **inputs))
        except ModelCallError as error:
            if lacks_memory(error):
                raise
            self.report(request, [str(error)])
            return None
        except TimeLimitError as error:
            self.report(request, [str(error)])
            raise
        self.requests.append(
            RequestRecord(name, signature, texts, round(time.monotonic() - started, 4))
        )
        form = checks.check_form(signature, response, texts)
        self.report(request, form or checks.check_values(signature, response))
        return None if form else response


def check_signatures(test: SmokeTest) -> set[str]:
    """Compares the declared signatures with the contract and returns the usable ones."""
    usable = set()
    for name, contract in CONTRACTS.items():
        if name not in test.model.signatures:
            if contract.is_optional:
                continue
            test.report("signatures", [f"signature {name!r} is missing"])
            continue
        signature = test.model.signatures[name]
        declared = signature.inputs
        problems = []
        if set(declared) != set(contract.inputs):
            problems.append(
                f"{name!r} takes the inputs {sorted(declared)}, not {sorted(contract.inputs)}"
            )
        problems += [
            f"input {key!r} of {name!r} is {spec.dtype} {spec.shape}, not string (None,)"
            for key, spec in declared.items()
            if spec.dtype != "string" or spec.shape != (None,)
        ]
        missing = sorted(set(contract.outputs) - set(signature.outputs))
        problems += [f"{name!r} lacks the output {key!r}" for key in missing]
        test.report("signatures", problems)
        if not problems:
            usable.add(name)
    return usable


def run_smoke_test(test: SmokeTest, usable: set[str]) -> None:
    """Sends all requests to the usable signatures.

    Raises:
      TimeLimitError: a request exceeded its time limit; no further request was sent.
    """
    together = None
    if SERVING_DEFAULT in usable:
        together = _test_default(test)
    translations = list(together["translation"]) if together else None
    if N_BEST in usable:
        test.ask("one sentence", N_BEST, text=ORDINARY_TEXTS[:1])
        nothing = test.ask("only empty texts", N_BEST, text=[b"", b" "])
        if nothing is not None:
            test.report(f"{N_BEST}, only empty texts", checks.check_empty_text(nothing))
        hypotheses = test.ask("a batch of all kinds", N_BEST, text=MIXED_TEXTS)
        if hypotheses is not None and translations is not None:
            best = {**hypotheses, "translation": hypotheses["translation"][: len(ORDINARY_TEXTS)]}
            test.report(
                f"{N_BEST}, a batch of all kinds",
                checks.check_beam(best, translations[: len(ORDINARY_TEXTS)]),
            )
    if SCORE in usable:
        test.ask("one sentence", SCORE, text=ORDINARY_TEXTS[:1], target=ORDINARY_TEXTS[1:2])
        test.ask("only empty texts", SCORE, text=[b"", b" "], target=[b"", b""])
        test.ask("a batch of all kinds", SCORE, text=MIXED_TEXTS, target=MIXED_TEXTS[::-1])
    if SOURCE_ATTENTION in usable:
        test.ask("one sentence", SOURCE_ATTENTION, text=ORDINARY_TEXTS[:1])
        test.ask("only empty texts", SOURCE_ATTENTION, text=[b"", b" "])
        test.ask("a batch of all kinds", SOURCE_ATTENTION, text=MIXED_TEXTS)
    if SERVE_EXAMPLES in usable:
        _test_examples(test, translations)


def _test_default(test: SmokeTest) -> Response | None:
    """Sends the requests to `serving_default`; returns the answer to the batch of all texts."""
    ask, report = test.ask, test.report
    alone = [
        ask(f"sentence {number} alone", SERVING_DEFAULT, text=[text])
        for number, text in enumerate(ORDINARY_TEXTS, 1)
    ]
    if all(response is not None and not any(response["translation"]) for response in alone):
        report(SERVING_DEFAULT, ["the translations of all ordinary sentences are empty"])
    for name, text in EMPTY_TEXTS.items():
        if (response := ask(name, SERVING_DEFAULT, text=[text])) is not None:
            report(f"{SERVING_DEFAULT}, {name}", checks.check_empty_text(response))
    for name, text in ODD_TEXTS.items():
        ask(name, SERVING_DEFAULT, text=[text])
    if (response := ask("a very long text", SERVING_DEFAULT, text=[LONG_TEXT])) is not None:
        report(
            f"{SERVING_DEFAULT}, a very long text",
            checks.check_long_text(response, LONG_TEXT_WORDS),
        )
    batches = {
        "a batch of sentences": ask("a batch of sentences", SERVING_DEFAULT, text=ORDINARY_TEXTS),
        "a batch of all kinds": ask("a batch of all kinds", SERVING_DEFAULT, text=MIXED_TEXTS),
    }
    for name, batch in batches.items():
        for row, single in enumerate(alone):
            if single is not None and batch is not None:
                differences = checks.check_same_answer(single, 0, batch, row)
                report(
                    f"{SERVING_DEFAULT}, {name}",
                    [f"sentence {row + 1} changed: {text}" for text in differences],
                )
    return batches["a batch of all kinds"]


def _test_examples(test: SmokeTest, served: Sequence[bytes] | None) -> None:
    """Sends examples, and compares the Evaluator's translations with the users' (`served`)."""
    name = "only empty texts"
    nothing = test.ask(name, SERVE_EXAMPLES, examples=[_serialised_example(b"")])
    if nothing is not None:
        test.report(f"{SERVE_EXAMPLES}, {name}", checks.check_empty_text(nothing))
    name = "a batch of all kinds"
    serialised = [_serialised_example(text) for text in MIXED_TEXTS]
    answer = test.ask(name, SERVE_EXAMPLES, examples=serialised)
    if answer is None or served is None:
        return
    test.report(
        f"{SERVE_EXAMPLES}, {name}",
        [
            f"sentence {row + 1} is not translated as by {SERVING_DEFAULT!r}"
            for row in range(len(ORDINARY_TEXTS))
            if answer["translation"][row, 0] != served[row]
        ],
    )


def _serialised_example(text: bytes) -> bytes:
    """Returns a raw example of the pipeline."""
    example = Example()
    for name, value in (("source", text), ("target", b"-"), ("length_bucket", b"01-10")):
        example.features.feature[name].bytes_list.value.append(value)
    return example.SerializeToString()
