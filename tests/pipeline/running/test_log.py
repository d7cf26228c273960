import logging
import os
import subprocess
import sys

import pytest

from pipeline.running.log import logged_run


@pytest.fixture
def log(tmp_path):
    return tmp_path / "folder" / "run.log"


def test_each_node_gets_a_line_on_the_screen(log, capfd):
    with logged_run(str(log)) as screen:
        screen.expect(["Gen", "Trainer"])
        logging.getLogger("absl").info("Component %s is running.", "Gen")
        logging.getLogger("absl").info("A cached execution 7 is used.")
        logging.getLogger("absl").info("Component %s is finished.", "Gen")
        logging.getLogger("absl").info("node %s is running.", "Trainer")
        logging.getLogger("absl").info("node %s is finished.", "Trainer")
    lines = capfd.readouterr().err.splitlines()
    assert [line.split() for line in lines] == [
        ["1/2", "Gen", "from", "the", "cache"],
        ["2/2", "Trainer", "0", "s"],
    ]


def test_our_rooms_speak_on_the_screen_and_others_do_not(log, capfd):
    with logged_run(str(log)):
        logging.getLogger("trainer.training").info("epoch 1")
        logging.getLogger("apache_beam").warning("noise")
    shown = capfd.readouterr().err
    assert "epoch 1" in shown
    assert "noise" not in shown
    assert {"epoch 1", "noise"} <= {line.split(": ")[-1] for line in log.read_text().splitlines()}


def test_native_output_goes_to_the_file(log, capfd):
    with logged_run(str(log)):
        os.write(2, b"from native code\n")
        subprocess.run([sys.executable, "-c", "print('from a child')"], check=True)
    captured = capfd.readouterr()
    assert "native" not in captured.err
    assert "child" not in captured.out
    assert "from native code" in log.read_text(encoding="utf-8")
    assert "from a child" in log.read_text(encoding="utf-8")


def test_everything_is_as_before_when_the_run_ends_with_an_error(log, capfd):
    handlers = logging.getLogger().handlers[:]

    def fail():
        with logged_run(str(log)):
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        fail()
    os.write(2, b"back\n")
    assert "back" in capfd.readouterr().err
    assert logging.getLogger().handlers == handlers
