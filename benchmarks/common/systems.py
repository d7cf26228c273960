"""Systems: models trained by `nmt run`, each with its model card, ready to translate."""

import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from pipeline.errors import RunFailedError, UserError
from pipeline.failures import BAD_INPUT, FAILED
from serving.contract import layout
from serving.contract.translation import Translation
from serving.local.model import LocalModel
from serving.local.tensorflow_library import import_tensorflow

_NO_FLOOR = "evaluation.min_bleu=0"
"""Without a floor, the gate does not stop the measurement of a poor system."""
_SENTENCES_PER_BATCH = 32


@dataclass(frozen=True)
class Epoch:
    """The Trainer's record of an epoch."""

    epoch: int
    """Counted from 1."""
    step: int
    """Steps from the start of training to the end of this epoch."""
    seconds: float
    """Time of this epoch, validation included."""
    validation_seconds: float
    """Time of the validation alone."""
    train_loss: float
    validation_loss: float
    validation_bleu: float
    """Cased BLEU on validation sentences."""


@dataclass(frozen=True)
class System:
    """A trained model."""

    name: str
    export: str
    """The folder of the SavedModel."""
    card: Mapping[str, Any]
    """`model_card.json`: configuration, machine, origin."""
    history: tuple[Epoch, ...]
    parameters: int
    """Number of trained values."""

    @property
    def steps(self) -> int:
        """Number of updates of the weights, over all epochs."""
        return self.history[-1].step

    @property
    def training_seconds(self) -> float:
        """Time of all epochs, validation included.

        An epoch interrupted by a killed run counts only from its last checkpoint on.
        """
        return sum(epoch.seconds for epoch in self.history)

    @property
    def seconds_per_step(self) -> float:
        """Median over the epochs of the time per step, validation excluded.

        A median, since the first epoch also compiles, and the time of an interrupted epoch is too
        short.
        """
        starts = [0, *(epoch.step for epoch in self.history)]
        return statistics.median(
            (epoch.seconds - epoch.validation_seconds) / (epoch.step - start)
            for epoch, start in zip(self.history, starts, strict=False)
        )

    @property
    def best_validation_bleu(self) -> float:
        """Validation BLEU of the exported epoch."""
        return max(epoch.validation_bleu for epoch in self.history)


@dataclass(frozen=True)
class Plan:
    """A system to train."""

    name: str
    """Name of its pipeline."""
    config: str
    """The name of a shipped configuration, or the path of a YAML file."""
    overrides: tuple[str, ...]
    """`section.key=value`."""


def train_systems(plans: Sequence[Plan], folder: str, *, in_parallel: bool) -> list[System]:
    """Trains systems, or takes them from the cache.

    Args:
      plans: the systems to train.
      folder: parent of the workspaces. Each system has a separate workspace, because ML Metadata's
        file serves one run at a time. A system trained in parallel does not share the workspace of
        the same system trained alone, because the cache would not distinguish them.
      in_parallel: whether to train all systems at the same time, each on an equal share of the
        cores, so all have the same conditions; otherwise one after the other on all cores.

    Returns:
      The systems, in the order of the plans.

    Raises:
      UserError: `nmt run` rejected its input.
      RunFailedError: a run failed, or was stopped.
    """
    shares = share_cores(sorted(os.sched_getaffinity(0)), len(plans) if in_parallel else 1)
    free: SimpleQueue[set[int]] = SimpleQueue()
    for share in shares:
        free.put(share)

    def take_cores() -> None:
        # This affects only the current thread, and the processes it starts.
        os.sched_setaffinity(0, free.get())

    kind = "in-parallel" if in_parallel else "alone"
    with ThreadPoolExecutor(len(shares), initializer=take_cores) as threads:
        exports = list(threads.map(lambda plan: train(plan, f"{folder}/{kind}/{plan.name}"), plans))
    # In the main thread: TensorFlow imported in a worker thread would use only that thread's cores.
    return [load_system(plan.name, export) for plan, export in zip(plans, exports, strict=True)]


def describe_sharing(cores: int, systems: int, *, in_parallel: bool) -> str:
    """Describes how systems share a machine while they train, since this changes their times.

    Args:
      cores: number of cores of the machine.
      systems: number of systems to train.
      in_parallel: as for `train_systems`.
    """
    if not in_parallel:
        return "one system at a time, on all cores"
    shares = share_cores(range(cores), systems)
    return f"{len(shares)} at a time, on {len(shares[0])} of the {cores} cores each"


def share_cores(cores: Sequence[int], count: int) -> list[set[int]]:
    """Divides cores into `count` shares of the same size.

    With fewer cores than shares, each core is one share. Remaining cores stay idle.
    """
    count = min(count, len(cores))
    size = len(cores) // count
    return [set(cores[start : start + size]) for start in range(0, size * count, size)]


def train(plan: Plan, workspace: str) -> str:
    """Trains a system with `nmt run` and shows its progress on standard error.

    Args:
      plan: the system to train.
      workspace: a folder not in use by another run.

    Returns:
      The folder of the Trainer's SavedModel, whether or not the gate let it replace the model
      pushed under this name before.

    Raises:
      UserError: `nmt run` rejected its input.
      RunFailedError: the run failed, or was stopped.
    """
    command = [sys.executable, "-m", "pipeline", "run", "--config", plan.config]
    command += ["--workspace", workspace, "--json"]
    for override in (*plan.overrides, _NO_FLOOR, f"name={plan.name}"):
        command += ["--set", override]
    status, answer, last_line = _run(command, plan.name)
    # Status 1 also means a model blocked by the gate; then there is a summary.
    if status not in (0, FAILED) or not answer:
        reason = last_line.partition("nmt: ")[2] or f"nmt run ended with status {status}."
        error = UserError if status == BAD_INPUT else RunFailedError
        raise error(f"{plan.name} could not be trained: {reason}")
    return str(json.loads(answer)["export"])


def load_system(name: str, export: str) -> System:
    """Loads a system from the model card of an exported model.

    Args:
      name: name of the system.
      export: the folder of the SavedModel.

    Raises:
      UserError: the folder holds no model with a model card.
    """
    path = Path(export, layout.MODEL_CARD)
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(
            f"{path} cannot be read: give the folder of a model that nmt run made."
        ) from error
    return System(
        name=name,
        export=export,
        card=card,
        history=read_history(card["history"]),
        parameters=_count_parameters(export),
    )


def read_history(entries: Sequence[Mapping[str, Any]]) -> tuple[Epoch, ...]:
    """Reads the history of a model card and ignores other fields of its entries."""
    return tuple(
        Epoch(**{name: entry[name] for name in Epoch.__dataclass_fields__}) for entry in entries
    )


def translate(system: System, sources: Sequence[str]) -> list[Translation]:
    """Translates with the exported beam search.

    Args:
      system: the model.
      sources: [sentences].

    Returns:
      [sentences] translations, with their tokens and attention.
    """
    return LocalModel(system.export, _SENTENCES_PER_BATCH).translate(sources, split=False)


def _run(command: Sequence[str], name: str) -> tuple[int, str, str]:
    """Runs a command and shows each line of its standard error after a name.

    Returns:
      The exit status, the standard output, and the last line of the standard error.
    """
    last_line = ""
    with tempfile.TemporaryFile("w+", encoding="utf-8") as answer:
        with subprocess.Popen(
            command,
            stdout=answer,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
        ) as process:
            assert process.stderr is not None
            for line in process.stderr:
                print(f"{name}: {line.rstrip()}", file=sys.stderr, flush=True)
                last_line = line.strip() or last_line
        answer.seek(0)
        return process.returncode, answer.read().strip(), last_line


def _count_parameters(export: str) -> int:
    """Returns the number of values in the model's variables, all of them trained."""
    variables = import_tensorflow().train.list_variables(os.path.join(export, layout.VARIABLES))
    return sum(math.prod(shape) for name, shape in variables if name.startswith("model/"))
