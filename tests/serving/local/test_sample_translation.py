import os
import time

import pytest

from serving.local import sample_translation
from serving.local.model import LocalModel
from serving.local.sample_translation import NoAnswerError, ask_about_sample
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


def hang(connection, directory, texts, references):
    time.sleep(3600)


def die(connection, directory, texts, references):
    os._exit(3)


def test_a_model_that_takes_forever_is_ended(monkeypatch):
    monkeypatch.setattr(sample_translation, "_work", hang)
    with pytest.raises(NoAnswerError, match="no answer within 0.5 seconds"):
        ask_about_sample("model", TEXTS, REFERENCES, max_seconds=0.5)


def test_a_model_that_ends_its_process_is_survived(monkeypatch):
    monkeypatch.setattr(sample_translation, "_work", die)
    with pytest.raises(NoAnswerError, match="ended before it had answered"):
        ask_about_sample("model", TEXTS, REFERENCES, max_seconds=300)
