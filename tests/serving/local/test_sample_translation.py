import os
import resource
import signal
import time
from pathlib import Path

import pytest

from serving.local import sample_translation
from serving.local.model import LocalModel
from serving.local.outside_cause import OutsideCauseError
from serving.local.sample_translation import Answers, NoAnswerError, ask_about_sample
from tests.serving.standin_model import export_standin

TEXTS, REFERENCES = ["one two three", "four"], ["eins zwei", "vier"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return export_standin(tmp_path_factory.mktemp("sample") / "model")


def test_the_answers_are_those_of_the_model(folder):
    answers = ask_about_sample(str(folder), TEXTS, REFERENCES, max_seconds=300)
    model = LocalModel(folder)
    expected = model.translate(TEXTS)
    assert [each.text for each in answers.translations] == [each.text for each in expected]
    assert [each.text for each in answers.references] == REFERENCES
    [scored, _] = model.score(TEXTS, REFERENCES)
    assert answers.references[0].attention.tolist() == scored.attention.tolist()


def test_a_folder_without_a_model_is_named(tmp_path):
    with pytest.raises(NoAnswerError, match="holds no saved_model.pb"):
        ask_about_sample(str(tmp_path), TEXTS, REFERENCES, max_seconds=300)


def hang(parent, connection, directory, texts, references):
    time.sleep(3600)


def be_killed(parent, connection, directory, texts, references):
    os.kill(os.getpid(), signal.SIGKILL)


def be_killed_once(parent, connection, directory, texts, references):
    """Is killed unless the folder holds the trace of an earlier try."""
    trace = Path(directory, "tried")
    if not trace.exists():
        trace.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    connection.send(Answers([], []))


def need_too_much(parent, connection, directory, texts, references):
    resource.setrlimit(resource.RLIMIT_AS, (2**32, 2**32))
    sample_translation.LocalModel = lambda directory: bytearray(2**33)
    connection.send(sample_translation._ask(directory, texts, references))


def test_a_model_that_takes_forever_is_ended(monkeypatch):
    monkeypatch.setattr(sample_translation, "_work", hang)
    with pytest.raises(NoAnswerError, match="no answer within 0.5 seconds"):
        ask_about_sample("model", TEXTS, REFERENCES, max_seconds=0.5)


def test_a_process_that_is_killed_is_tried_once_more(tmp_path, monkeypatch):
    monkeypatch.setattr(sample_translation, "_work", be_killed_once)
    assert ask_about_sample(str(tmp_path), TEXTS, REFERENCES, max_seconds=300) == Answers([], [])


def test_a_process_that_is_killed_twice_says_nothing_about_the_model(monkeypatch):
    monkeypatch.setattr(sample_translation, "_work", be_killed)
    with pytest.raises(OutsideCauseError, match="killed by SIGKILL before it had a result"):
        ask_about_sample("model", TEXTS, REFERENCES, max_seconds=300)


def test_a_lack_of_memory_says_nothing_about_the_model(monkeypatch):
    monkeypatch.setattr(sample_translation, "_work", need_too_much)
    with pytest.raises(OutsideCauseError, match="too little memory"):
        ask_about_sample("model", TEXTS, REFERENCES, max_seconds=300)
