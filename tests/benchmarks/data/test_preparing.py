import json

import pytest

from benchmarks.data.preparing import import_text, main, measure, write_text
from pipeline.errors import RunFailedError


def test_the_same_seed_makes_the_same_text(tmp_path) -> None:
    texts = []
    for name, seed in (("one", 1), ("same", 1), ("other", 2)):
        write_text(tmp_path / name, pairs=50, seed=seed)
        texts.append((tmp_path / name).read_text(encoding="utf-8"))
    assert texts[0] == texts[1] != texts[2]
    assert len(texts[0].splitlines()) == 50
    assert all(line.count("\t") == 1 for line in texts[0].splitlines())


def test_a_step_that_fails_ends_the_program_with_a_sentence(tmp_path) -> None:
    with pytest.raises(RunFailedError, match="import_text failed"):
        measure(import_text, tmp_path)


@pytest.mark.slow
def test_every_step_is_measured(capsys) -> None:
    main(pairs=1000, seed=1)
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    for step in ("import", "word_count", "components", "subwords"):
        assert told[step]["seconds"] > 0
        assert told[step]["gb"] > 0
    assert told["components"]["DeterministicTransform"] > 0
    assert told["ratios"]["components"] > 0
