"""Measures the model server: overhead, throughput, reloads, hostile requests and long use.

    python -m benchmarks.serving.server --config multi30k
    python -m benchmarks.serving.server --config multi30k --part latency --part load

Each part starts `nmt serve`, as a separate process, on a copy of the live model:

    latency         one sentence in process and over gRPC, in alternating turns
    load            throughput by size of requests and number of clients
    first-request   the first request to a new version, compared with later ones
    reloads         new versions while clients translate
    hostile         requests made to disturb the server
    soak            mixed requests and new versions for an hour; only if it is named
"""

import importlib.metadata
import os
import random
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.common.bars import bar_table, shortfall
from benchmarks.common.machine import describe_this_machine
from benchmarks.common.program import (
    RESULTS,
    OutputOption,
    reproducing_command,
    run_program,
    write_result,
)
from benchmarks.common.tables import number
from benchmarks.common.task import prepare_task
from benchmarks.serving.parts import Finding, Measurement, Part, Scale, measure
from pipeline.commands.options import DEFAULT_CONFIG, ConfigOption, OverridesOption, WorkspaceOption
from pipeline.config.settings import load_config
from pipeline.errors import UserError
from pipeline.workspace import Workspace, is_remote
from serving.versions.directory import ModelVersion, live_version

_LEAST_SENTENCES = 16
_STANDARD_PARTS = tuple(part for part in Part if part is not Part.SOAK)
_PACKAGES = ("tensorflow", "grpcio")


def main(
    config: ConfigOption = DEFAULT_CONFIG,
    overrides: OverridesOption = None,
    workspace: WorkspaceOption = None,
    model: Annotated[
        str | None,
        typer.Option(metavar="DIR", help="A folder of versions other than the workspace's."),
    ] = None,
    sentences: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Text, a sentence a line; by default the validation split of the corpus.",
        ),
    ] = None,
    parts: Annotated[
        list[Part] | None, typer.Option("--part", help="A part to measure; repeatable.")
    ] = None,
    pairs: Annotated[
        int, typer.Option(min=1, metavar="N", help="latency: sentences translated both ways.")
    ] = 1000,
    seconds: Annotated[
        float, typer.Option(min=0.1, help="load: duration of each measurement.")
    ] = 4.0,
    rounds: Annotated[
        int, typer.Option(min=1, metavar="N", help="load: measurements of each setting.")
    ] = 3,
    first_requests: Annotated[
        int, typer.Option(min=1, metavar="N", help="first-request: new versions.")
    ] = 10,
    reloads: Annotated[
        int, typer.Option(min=1, metavar="N", help="reloads, soak: new versions.")
    ] = 20,
    hostile_requests: Annotated[
        int, typer.Option(min=1, metavar="N", help="hostile: requests to send.")
    ] = 10_000,
    soak_minutes: Annotated[float, typer.Option(min=0.1, help="soak: duration.")] = 60.0,
    seed: Annotated[
        int, typer.Option(help="Seed of the sentences' order and the hostile requests.")
    ] = 1,
    output: OutputOption = RESULTS,
) -> None:
    """Measure the model server from outside."""
    given = overrides or []
    chosen = [part for part in Part if part in (parts or _STANDARD_PARTS)]
    name = load_config(config, given, workspace).name
    version = find_model(name, model, workspace)
    texts, origin = read_sentences(sentences, config, given, workspace)
    random.Random(seed).shuffle(texts)
    scale = Scale(
        pairs=pairs,
        seconds=seconds,
        rounds=rounds,
        first_requests=first_requests,
        reloads=reloads,
        hostile_requests=hostile_requests,
        soak_minutes=soak_minutes,
    )
    command = reproducing_command(
        "serving.server",
        [
            ("--config", config),
            *(("--set", override) for override in given),
            *([("--model", model)] if model else []),
            *([("--sentences", sentences)] if sentences else []),
            *(("--part", part) for part in parts or []),
            *((f"--{name.replace('_', '-')}", value) for name, value in vars(scale).items()),
            ("--seed", seed),
        ],
    )
    with tempfile.TemporaryDirectory(prefix="serving-") as scratch:
        measurement = Measurement(
            model=name,
            version=version,
            options=["--config", config, *(f"--set={override}" for override in given)],
            sentences=texts,
            scale=scale,
            seed=seed,
            scratch=Path(scratch),
        )
        load_before = os.getloadavg()[0]
        findings = [measure(part, measurement) for part in chosen]
    machine = f"{describe_this_machine()}, with a load of {load_before:.1f} before the start"
    text = report(measurement, findings, origin, command, machine)
    suffix = "" if chosen == list(_STANDARD_PARTS) else "".join(f"_{part}" for part in chosen)
    write_result(output, f"serving_{name}{suffix}.md", text)
    if missed := shortfall([bar for finding in findings for bar in finding.bars]):
        print(missed, file=sys.stderr)
        raise typer.Exit(1)


def find_model(name: str, folder: str | None, workspace: str | None) -> ModelVersion:
    """Finds the version to serve.

    Args:
      name: name of the configuration.
      folder: a folder with one numbered folder per version; None for the workspace's.
      workspace: the value of `--workspace`, if given.

    Raises:
      UserError: no version was found on this disk.
    """
    place = folder or Workspace.resolve(workspace).models(name)
    if is_remote(place):
        raise UserError(f"{place} is remote: give a --model on this disk.")
    version = live_version(place)
    if version is None:
        raise UserError(
            f"No model of {name} is live in {place}: train one with nmt run, or name a folder of "
            "versions with --model."
        )
    return version


def read_sentences(
    file: Path | None, config: str, overrides: Sequence[str], workspace: str | None
) -> tuple[list[bytes], str]:
    """Reads different sentences.

    Args:
      file: a file of UTF-8 text; None for the corpus's validation split.
      config: the value of `--config`.
      overrides: the values of `--set`.
      workspace: the value of `--workspace`, if given.

    Returns:
      The sentences, without duplicates, and a description of their origin.

    Raises:
      UserError: the file cannot be read, there are too few, or the corpus cannot be made.
    """
    if file is None:
        task = prepare_task(config, overrides, workspace)
        lines = task.read("validation").sources
        origin = f"the validation split of {task.config.data.corpus}"
    else:
        origin = file.name
        try:
            lines = file.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise UserError(
                f"{file} cannot be read as UTF-8 text ({error}): give other --sentences."
            ) from error
    found = list(dict.fromkeys(line.strip().encode("utf-8") for line in lines if line.strip()))
    if len(found) < _LEAST_SENTENCES:
        raise UserError(
            f"There are {len(found)} different sentences in {origin}: give at least "
            f"{_LEAST_SENTENCES} with --sentences."
        )
    return found, origin


def report(
    measurement: Measurement,
    findings: Sequence[Finding],
    origin: str,
    command: str,
    machine: str,
) -> str:
    """Writes the results in Markdown.

    Args:
      measurement: the input of the parts.
      findings: the results of the parts.
      origin: description of the sentences' origin.
      command: the command for repeating the measurement.
      machine: description of the machine.
    """
    bars = [bar for finding in findings for bar in finding.bars]
    words = statistics.median(len(sentence.split()) for sentence in measurement.sentences)
    packages = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in _PACKAGES)
    count = number(len(measurement.sentences), 0)
    sections = "\n".join(finding.section for finding in findings)
    return f"""\
# Serving {measurement.model}

{bar_table(bars)}

{sections}
## How it was measured

- model: {measurement.model}, version {measurement.version.number}, beam search as exported
- sentences: {count} of {origin}, {words:g} words at the median
- server: `nmt serve` with its own defaults, a process of its own on this machine, which shares its
  cores with the clients; a new one for each part
- seed: {measurement.seed}
- machine: {machine}; {packages}
- command: `{command}`
"""


if __name__ == "__main__":
    run_program(main)
