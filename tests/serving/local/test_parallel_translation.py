import multiprocessing
import os
import signal
from collections.abc import Iterator

import numpy as np
import pytest

from serving.local.model import LocalModel
from serving.local.parallel_translation import WorkerError, translate_in_parallel
from serving.local.saved_model import ModelCallError, ModelLoadError
from tests.serving.standin_model import export_standin

CHUNKS = [[f"the cat {number}", "", f"mat {number} on the mat"] for number in range(9)]


@pytest.fixture(scope="module")
def directory(tmp_path_factory) -> str:
    return export_standin(tmp_path_factory.mktemp("standin") / "model")


def running() -> set[int]:
    """Returns the processes running a translation now."""
    return {process.pid for process in multiprocessing.active_children() if process.pid}


def test_the_answers_are_those_of_one_process_in_the_order_of_the_chunks(directory):
    model = LocalModel(directory)
    answers = list(translate_in_parallel(directory, CHUNKS, workers=2))
    assert len(answers) == len(CHUNKS)
    for answer, chunk in zip(answers, CHUNKS, strict=True):
        for translation, expected in zip(answer, model.translate(chunk), strict=True):
            assert translation.text == expected.text
            assert translation.target_tokens == expected.target_tokens
            np.testing.assert_allclose(translation.attention, expected.attention, rtol=1e-6)


def test_processes_end_with_the_iteration_and_few_chunks_are_read_ahead(directory):
    read = []

    def chunks() -> Iterator[list[str]]:
        for chunk in CHUNKS:
            read.append(chunk)
            yield chunk

    answers = translate_in_parallel(directory, chunks(), workers=2, n_best=True)
    first = next(answers)
    assert [hypothesis.text for hypothesis in first[2].n_best] == [
        "Matte 0 auf die Matte",
        "MATTE 0 AUF DIE MATTE",
    ]
    assert len(running()) == 2
    assert len(read) <= 4
    answers.close()
    assert running() == set()


def test_no_chunks_have_no_answers(directory):
    assert list(translate_in_parallel(directory, [], workers=2)) == []


def test_a_model_that_cannot_be_loaded_is_the_error_of_loading(tmp_path):
    with pytest.raises(ModelLoadError, match="holds no saved_model.pb"):
        next(translate_in_parallel(str(tmp_path), CHUNKS, workers=1))


def test_a_model_that_fails_is_the_error_of_the_call(tmp_path):
    directory = export_standin(tmp_path / "model", "fails_on_long_text")
    with pytest.raises(ModelCallError, match="assertion failed"):
        list(translate_in_parallel(directory, [["cat"], ["cat " * 1000]], workers=1))


def test_a_process_that_is_killed_is_a_sentence_and_the_others_end_too(directory):
    answers = translate_in_parallel(directory, CHUNKS * 100, workers=2)
    next(answers)
    os.kill(min(running()), signal.SIGKILL)
    with pytest.raises(WorkerError, match="ended before its work was done, perhaps for lack of"):
        list(answers)
    assert running() == set()
