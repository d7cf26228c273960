import json

from benchmarks.training.reading import main, read, write_examples


def test_made_up_examples_are_read_as_they_were_written(tmp_path) -> None:
    path = str(tmp_path / "examples.gz")
    subwords = write_examples(path, pairs=50, seed=1)
    pairs = read(path)
    assert len(pairs.source) == len(pairs.target) == 50
    assert sum(int(side.lengths.sum()) for side in pairs) == subwords


def test_time_and_memory_are_told_as_json(capsys) -> None:
    main(pairs=200, seed=1)
    told = json.loads(capsys.readouterr().out)
    assert told["pairs"] == 200
    assert told["subwords"] > 0
    assert told["batches"] > 0
