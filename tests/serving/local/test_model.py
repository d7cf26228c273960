import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from serving.local.model import LocalModel
from serving.local.saved_model import ModelCallError, ModelLoadError
from tests.serving.standin_model import export_standin

TEXTS = ["The cat is on the mat", "", "mat", "the cat", "  ", "is it on the cat , or on the mat ?"]
REPOSITORY = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def directory(tmp_path_factory) -> str:
    return export_standin(tmp_path_factory.mktemp("standin") / "model")


@pytest.fixture(scope="module")
def model(directory) -> LocalModel:
    return LocalModel(directory)


def test_a_sentence_is_translated(model):
    assert model.translate(["The cat is on the mat"])[0].text == "die Katze ist auf die Matte"


def test_attention_rows_sum_to_one_without_padding(model):
    for translation in model.translate(TEXTS):
        assert translation.attention.shape == (
            len(translation.target_tokens),
            len(translation.source_tokens),
        )
        np.testing.assert_allclose(translation.attention.sum(axis=1), 1, rtol=1e-6)


@pytest.mark.parametrize("batch_size", [1, 2, 4, 100])
def test_the_batch_size_changes_no_answer_and_no_order(directory, model, batch_size):
    answers = LocalModel(directory, batch_size).translate(TEXTS)
    expected = [model.translate([text])[0] for text in TEXTS]
    assert [answer.text for answer in answers] == [answer.text for answer in expected]
    for answer, alone in zip(answers, expected, strict=True):
        np.testing.assert_allclose(answer.attention, alone.attention, rtol=1e-6)


def test_nothing_to_translate_gives_nothing(model):
    assert model.translate([]) == []


def test_empty_text_has_the_empty_translation(model):
    translation = model.translate([""])[0]
    assert (translation.text, translation.target_tokens) == ("", ())


@pytest.mark.parametrize("text", [b"caf\xe9", "lone \ud800 surrogate", "NUL \x00 and \x1b[31m"])
def test_text_that_is_not_clean_is_answered(model, text):
    assert model.translate([text])[0].text


def test_the_beam_comes_along_when_asked_for(model):
    translation = model.translate(["the mat"], n_best=True)[0]
    assert [hypothesis.text for hypothesis in translation.n_best] == ["die Matte", "DIE MATTE"]


def test_a_source_that_was_cut_says_so(model):
    assert [answer.truncated for answer in model.translate(["cat", "cat " * 100])] == [False, True]


def test_a_given_translation_is_scored_token_by_token(model):
    scored = model.score(["the cat sleeps", "mat"], ["die Katze schläft", "Matte"])
    assert [each.text for each in scored] == ["die Katze schläft", "Matte"]
    assert [len(each.token_log_probability) for each in scored] == [4, 2]


def test_scoring_refuses_unequal_numbers_of_texts_and_targets(model):
    with pytest.raises(ValueError, match="2 texts have 1 targets"):
        model.score(["a", "b"], ["c"])


def test_a_batch_size_below_one_is_refused(directory):
    with pytest.raises(ValueError, match="at least 1"):
        LocalModel(directory, batch_size=0)


def test_a_missing_folder_is_a_sentence(tmp_path):
    with pytest.raises(ModelLoadError, match=r"holds no saved_model\.pb"):
        LocalModel(tmp_path / "nowhere")


def test_a_damaged_model_is_a_sentence(tmp_path):
    (tmp_path / "saved_model.pb").write_bytes(b"\xff not a model")
    with pytest.raises(ModelLoadError, match="cannot be loaded"):
        LocalModel(tmp_path)


def test_a_model_without_its_variables_is_a_sentence(tmp_path):
    directory = Path(export_standin(tmp_path / "model"))
    for file in (directory / "variables").iterdir():
        file.unlink()
    with pytest.raises(ModelLoadError, match="cannot be loaded"):
        LocalModel(directory)


def test_a_signature_that_the_model_lacks_is_a_sentence(tmp_path):
    model = LocalModel(export_standin(tmp_path / "model", "missing_signature"))
    with pytest.raises(ModelCallError, match="has no signature 'n_best'"):
        model.translate(["cat"], n_best=True)


def test_a_model_that_fails_is_a_sentence_with_its_reason(tmp_path):
    model = LocalModel(export_standin(tmp_path / "model", "fails_on_long_text"))
    with pytest.raises(ModelCallError, match=r"InvalidArgumentError: assertion failed"):
        model.translate(["cat " * 1000])


def test_a_process_that_translates_is_silent_and_imports_neither_tensorflow_nor_tfx(directory):
    program = (
        "import sys; from serving.local.model import LocalModel; "
        f"text = LocalModel({directory!r}).translate(['cat'])[0].text; "
        "loaded = {'tensorflow', 'tfx', 'apache_beam'} & set(sys.modules); print(text, loaded)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    assert (done.stdout, done.stderr) == ("Katze set()\n", "")
