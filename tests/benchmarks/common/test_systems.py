import json
import sys
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from benchmarks.common.systems import (
    Plan,
    describe_sharing,
    load_system,
    read_history,
    share_cores,
    train,
)
from pipeline.errors import RunFailedError, UserError
from tests.benchmarks.made_up import made_up_history, made_up_system


def test_a_history_is_read_whatever_else_the_model_card_notes() -> None:
    history = made_up_history()
    entries = [asdict(epoch) | {"tokens_per_second": 4000.0} for epoch in history]
    assert read_history(json.loads(json.dumps(entries))) == tuple(history)


def test_training_takes_the_time_of_all_epochs() -> None:
    assert made_up_system("debian", epochs=3, seconds=20.0).training_seconds == 60


def test_the_time_of_a_step_is_that_of_an_ordinary_epoch() -> None:
    history = made_up_history(epochs=5, steps=100, seconds=20.0)
    slow_start, cut_off = replace(history[0], seconds=90.0), replace(history[2], seconds=1.0)
    changed = (slow_start, history[1], cut_off, *history[3:])
    system = replace(made_up_system("debian"), history=changed)
    assert system.seconds_per_step == pytest.approx(0.18)


def test_the_best_epoch_need_not_be_the_last() -> None:
    rising = made_up_system("debian", epochs=3)
    falling = replace(rising, history=rising.history[::-1])
    assert falling.best_validation_bleu == rising.best_validation_bleu == 30


@pytest.mark.parametrize(
    ("cores", "systems", "expected"),
    [
        ([0, 1], 1, [{0, 1}]),
        ([0, 1], 2, [{0}, {1}]),
        ([0, 1], 3, [{0}, {1}]),
        ([2, 3, 5, 8, 9], 2, [{2, 3}, {5, 8}]),
    ],
)
def test_systems_that_train_at_the_same_time_have_equally_many_cores_of_their_own(
    cores: list[int], systems: int, expected: list[set[int]]
) -> None:
    assert share_cores(cores, systems) == expected


def test_how_systems_share_a_machine_is_said() -> None:
    assert describe_sharing(2, 3, in_parallel=True) == "2 at a time, on 1 of the 2 cores each"
    assert describe_sharing(2, 3, in_parallel=False) == "one system at a time, on all cores"


def nmt_that(monkeypatch: pytest.MonkeyPatch, folder: Path, script: str) -> None:
    """Replaces `nmt run` by a shell script."""
    program = folder / "python"
    program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))


PLAN = Plan("debian-basic", "debian", ("seed=2",))


def test_a_system_that_the_gate_blocked_is_the_export_of_its_trainer(monkeypatch, tmp_path) -> None:
    nmt_that(monkeypatch, tmp_path, """echo '{"export": "Trainer/model/6"}'; exit 1""")
    assert train(PLAN, str(tmp_path)) == "Trainer/model/6"


def test_a_system_is_trained_under_its_own_name_and_without_a_floor(monkeypatch, tmp_path) -> None:
    nmt_that(monkeypatch, tmp_path, f"""echo "$@" > {tmp_path}/asked; echo '{{"export": ""}}'""")
    train(PLAN, "workspace")
    assert (tmp_path / "asked").read_text(encoding="utf-8").split() == [
        "-m", "pipeline", "run", "--config", "debian", "--workspace", "workspace", "--json",
        "--set", "seed=2", "--set", "evaluation.min_bleu=0", "--set", "name=debian-basic",
    ]  # fmt: skip


def test_what_nmt_refuses_is_a_users_mistake_in_its_words(monkeypatch, tmp_path) -> None:
    nmt_that(monkeypatch, tmp_path, "echo 'nmt: unknown key.' >&2; exit 2")
    with pytest.raises(UserError, match="debian-basic could not be trained: unknown key"):
        train(PLAN, str(tmp_path))


@pytest.mark.parametrize("end", ["exit 1", "kill -9 $$"])
def test_a_run_that_ends_without_a_summary_has_failed(end: str, monkeypatch, tmp_path) -> None:
    nmt_that(monkeypatch, tmp_path, f"echo '6/10 Trainer' >&2; {end}")
    with pytest.raises(RunFailedError, match="nmt run ended with status -?[19]"):
        train(PLAN, str(tmp_path))


def test_the_progress_of_a_run_is_shown_under_the_systems_name(
    monkeypatch, tmp_path, capsys
) -> None:
    nmt_that(monkeypatch, tmp_path, """echo '6/10 Trainer' >&2; echo '{"export": ""}'""")
    train(PLAN, str(tmp_path))
    assert capsys.readouterr().err == "debian-basic: 6/10 Trainer\n"


def test_a_folder_without_a_model_card_is_refused_with_what_to_do(tmp_path) -> None:
    with pytest.raises(UserError, match="give the folder of a model that nmt run made"):
        load_system("debian", str(tmp_path))
