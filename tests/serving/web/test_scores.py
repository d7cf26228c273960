import json
from pathlib import Path

import pytest

from serving.contract import layout
from serving.web.scores import read_scores

NONE = {"bleu": None, "chrf": None}


def write_card(folder: Path, version: int, content: str) -> None:
    path = folder / str(version) / layout.MODEL_CARD
    path.parent.mkdir(parents=True)
    path.write_bytes(content.encode("utf-8", "surrogatepass"))


def test_the_scores_are_those_of_the_validation_in_the_model_card(tmp_path: Path) -> None:
    training = {"validation_bleu": 35.2, "validation_chrf": 58.9, "steps": 7}
    write_card(tmp_path, 3, json.dumps({"training": training}))
    assert read_scores(str(tmp_path), 3) == {"bleu": 35.2, "chrf": 58.9}


def test_an_older_card_has_the_scores_that_it_has(tmp_path: Path) -> None:
    write_card(tmp_path, 3, json.dumps({"training": {"validation_bleu": 35.2}}))
    assert read_scores(str(tmp_path), 3) == {"bleu": 35.2, "chrf": None}


def test_an_export_without_a_card_and_one_elsewhere_have_no_scores(tmp_path: Path) -> None:
    assert read_scores(str(tmp_path), 3) == NONE
    assert read_scores(None, 3) == NONE


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "\ud800",
        '{"training": 3}',
        '{"training": {"validation_bleu": NaN, "validation_chrf": "x"}}',
    ],
    ids=["empty", "list", "encoding", "number", "no scores"],
)
def test_a_card_that_cannot_be_read_has_no_scores(tmp_path: Path, content: str) -> None:
    write_card(tmp_path, 3, content)
    assert read_scores(str(tmp_path), 3) == NONE
