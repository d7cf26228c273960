import json

from benchmarks.data.importing import main


def test_both_imports_are_measured(capsys) -> None:
    main(pairs=1000, seed=1)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[:-1]] == ["pairs", "1,000", "10,000"]
    told = json.loads(lines[-1])
    assert told["imports"].keys() == {"1000", "10000"}
    assert all(each["gb"] > 0 for each in told["imports"].values())
    assert told["time_per_pair_ratio"] > 0
