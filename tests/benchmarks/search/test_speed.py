import json
from pathlib import Path

import pytest

from benchmarks.search import speed
from benchmarks.search.other_library import is_installed, load_transformer
from benchmarks.search.speed import BATCH_SIZES, batches_of, main, measure
from pipeline.errors import UserError
from tests.serving.standin_model import export_standin

SENTENCES = [f"sentence {number}".encode() for number in range(30)]


@pytest.fixture
def text(tmp_path: Path) -> Path:
    path = tmp_path / "text"
    path.write_bytes(b"\n".join(SENTENCES))
    return path


@pytest.mark.parametrize("size", BATCH_SIZES)
def test_batches_have_the_size_that_is_asked_for(size: int) -> None:
    batches = batches_of(SENTENCES, size)
    assert {len(batch) for batch in batches} == {size}
    assert set().union(*batches) <= set(SENTENCES)


def test_systems_translate_the_same_batches_in_turn() -> None:
    asked = []
    systems = {name: lambda texts, name=name: asked.append((name, len(texts))) for name in "ab"}
    speeds = measure(systems, [[b"one", b"two"], [b"three"]], rounds=2)
    turn = [("a", 2), ("a", 1), ("b", 2), ("b", 1)]
    assert asked == 3 * turn
    assert {name: len(rounds) for name, rounds in speeds.items()} == {"a": 2, "b": 2}


def test_exports_are_compared_with_the_first(tmp_path, text, capsys, monkeypatch) -> None:
    monkeypatch.setattr(speed, "is_installed", lambda: False)
    folders = [export_standin(tmp_path / name) for name in ("one", "two")]
    main(folders, text=text, rounds=1)
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert set(told["ratios"]) == set(folders)
    assert set(told["ratios"][folders[0]].values()) == {1.0}
    assert all(ratio > 0 for ratio in told["ratios"][folders[1]].values())


def test_no_sentences_are_an_error(tmp_path) -> None:
    (tmp_path / "empty").write_text("\n")
    with pytest.raises(UserError, match="no sentences"):
        main(["export"], text=tmp_path / "empty")


@pytest.mark.skipif(not is_installed(), reason="CTranslate2 is not installed")
def test_the_transformer_of_another_library_translates() -> None:
    translate = load_transformer("int8", threads=1, beam_size=2, length=4)
    (result,) = translate([b"a cat sleeps."])
    assert len(result.hypotheses[0]) == 4
    assert len(result.attention[0]) == 4
