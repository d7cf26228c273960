"""Bad models are never pushed, and the live model stays live.

ServingValidator, LiveModel, the Evaluator and the stock Pusher get broken, empty, lazy and endless
candidates.
"""

import contextlib
import os
import time
from pathlib import Path

import pytest

from components.gate.recording_evaluator import EndlessEvaluationError
from components.gate.settings import GateSettings
from serving.local.model import LocalModel
from serving.versions.directory import fingerprint
from tests.components.gate.gate_world import Example, Run, World
from tests.serving.standin_model import ENDLESS_WORD, export_standin

SETTINGS = GateSettings(min_bleu=50, bootstrap_resamples=200, min_slice_sentences=10)
REQUEST_SECONDS = 120.0
"""Long enough for an answer even on a busy machine."""
HANG_SECONDS = 10.0
"""Waiting time for an answer that never comes."""

# The reason in the verdict for each attack.
REASONS = {
    "broken": "the export cannot be served: load:",
    "all_empty": "the export cannot be served: serving_default: the translations of all ordinary "
    "sentences are empty",
    "nan_score": "output 'score' is not finite",
    "hangs": "no end after 10 seconds, which is the limit",
    "copies_source": "BLEU (all) is",
}

pytestmark = pytest.mark.slow


def corpus() -> list[Example]:
    """Returns sentences with translations from the stand-in's dictionary."""
    words = [("the", "die"), ("cat", "Katze"), ("is", "ist"), ("on", "auf"), ("mat", "Matte")]
    examples = []
    for number in range(30):
        some = [words[(number + place * (1 + number % 3)) % 5] for place in range(5 + number % 4)]
        texts = [" ".join([*side, str(number)]) for side in zip(*some, strict=True)]
        examples.append(Example(texts[0], texts[1], "01-10"))
    return [*examples, Example(f"the {ENDLESS_WORD}", f"die {ENDLESS_WORD}", "01-10")]


def candidate(folder: Path, fault: str | None, pipe: str | None = None) -> str:
    """Writes a Model artifact."""
    export = folder / "Format-Serving"
    export_standin(export, None if fault == "broken" else fault, pipe)
    if fault == "broken":
        graph = export / "saved_model.pb"
        graph.write_bytes(graph.read_bytes()[:1000])
    return str(folder)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(tmp_path_factory.mktemp("attacks"), SETTINGS, corpus(), REQUEST_SECONDS)


@pytest.fixture(scope="module")
def first(world: World, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return world.run(candidate(tmp_path_factory.mktemp("sound"), None))


@pytest.fixture(scope="module", params=REASONS)
def attack(
    request: pytest.FixtureRequest,
    first: Run,
    world: World,
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[str, Run]:
    fault: str = request.param
    world.request_seconds = HANG_SECONDS if fault == "hangs" else REQUEST_SECONDS
    return fault, world.run(candidate(tmp_path_factory.mktemp(fault), fault))


def assert_still_serving(world: World) -> None:
    [live] = world.served()
    [translation] = LocalModel(live.path).translate(["the cat is on the mat"])
    assert translation.text == "die Katze ist auf die Matte"


def test_a_sound_model_is_pushed_with_its_attention_measured(first: Run) -> None:
    assert (first.verdict.blessed, first.pushed) == (True, 1)
    numbers = first.verdict.metrics["overall"]["candidate"]
    assert numbers["bleu"] == pytest.approx(100)
    assert 0 < numbers["attention_entropy"] < 0.5
    assert (numbers["never_looked_at"], numbers["empty_outputs"]) == (0, 0)


def test_an_attack_is_not_pushed_and_its_reason_is_named(attack: tuple[str, Run]) -> None:
    fault, run = attack
    assert (run.verdict.blessed, run.pushed) == (False, 0)
    assert any(REASONS[fault] in reason for reason in run.verdict.reasons), run.verdict.reasons


def test_after_an_attack_what_was_live_keeps_serving(attack: tuple[str, Run], world: World) -> None:
    assert_still_serving(world)


def test_the_blessing_of_an_attack_says_why(attack: tuple[str, Run]) -> None:
    fault, run = attack
    assert run.properties["blessed"] == 0
    assert REASONS[fault].removeprefix("the export cannot be served: ") in str(
        run.properties["reasons"]
    ).replace("\\", "")


@pytest.mark.parametrize("attack", ["copies_source"], indirect=True)
def test_a_model_that_copies_the_source_is_worse_than_the_live_one(
    attack: tuple[str, Run], world: World
) -> None:
    _, run = attack
    assert fingerprint(world.served()[0].path) == run.baseline
    assert run.verdict.difference is not None
    assert run.verdict.difference.outcome == "worse"


def let_go(pipe: str) -> bool:
    """Ends the wait of a process reading from a named pipe, now or soon.

    Returns:
      Whether a process was reading.
    """
    end = time.monotonic() + 300
    while time.monotonic() < end:
        with contextlib.suppress(OSError):  # no process reads yet
            os.close(os.open(pipe, os.O_WRONLY | os.O_NONBLOCK))
            return True
        time.sleep(0.1)
    return False


def test_a_model_that_takes_for_ever_on_one_sentence_is_given_up(
    first: Run, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe = str(tmp_path / "pipe")
    os.mkfifo(pipe)
    world.request_seconds = REQUEST_SECONDS
    monkeypatch.setattr(world, "max_minutes", 0.1)
    with pytest.raises(EndlessEvaluationError, match="does not end on some sentence"):
        world.run(candidate(tmp_path / "endless", None, pipe))
    assert_still_serving(world)
    assert let_go(pipe)
