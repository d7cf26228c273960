"""Compares kinds of cells and attention by how well they align words.

Trains one configuration with each kind, and compares the attention of each model with eflomal, as
`benchmarks.alignment.eflomal` does for one model:

    python -m benchmarks.alignment.by_kind --config multi30k --set training.epochs=4 \\
        --in-parallel --eflomal /tmp/eflomal/bin/eflomal-align
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import typer

from benchmarks.alignment.eflomal import (
    Agreement,
    EflomalOption,
    Reference,
    agreement_of,
    find_eflomal,
    hard,
    reference_links,
    soft,
)
from benchmarks.common.machine import cores_of_this_machine, describe_this_machine
from benchmarks.common.program import (
    RESULTS,
    InParallelOption,
    OutputOption,
    reproducing_command,
    run_program,
    write_result,
)
from benchmarks.common.systems import Plan, System, describe_sharing, train_systems
from benchmarks.common.tables import number, percent, table
from benchmarks.common.task import ParallelText, prepare_task
from pipeline.commands.options import DEFAULT_CONFIG, ConfigOption, OverridesOption, WorkspaceOption
from pipeline.errors import UserError
from serving.local.model import LocalModel

NAME = "alignment_by_kind"
LINKS = {"hard": hard, "soft": soft}


@dataclass(frozen=True)
class Kind:
    """The varied settings of a model."""

    cell: str
    attention: str
    attends_embeddings: bool
    """Whether the attended vectors hold source embeddings beside the encoder's states."""

    @property
    def name(self) -> str:
        """Name for its pipeline."""
        alone = "" if self.attends_embeddings else "-states"
        return f"{self.cell}-{self.attention}{alone}".replace("_", "-")

    @property
    def description(self) -> str:
        """Name for readers of the results."""
        alone = "" if self.attends_embeddings else ", states alone"
        return f"{self.cell}, {self.attention}{alone}"

    @property
    def overrides(self) -> tuple[str, ...]:
        """Values for `--set`."""
        return (
            f"model.cell={self.cell}",
            f"model.attention={self.attention}",
            f"model.attend_embeddings={str(self.attends_embeddings).lower()}",
        )


KINDS = (
    Kind("gru", "bahdanau", True),
    Kind("lstm", "bahdanau", True),
    Kind("gru", "luong_general", True),
    Kind("gru", "multi_head", True),
    Kind("gru", "bahdanau", False),
    Kind("gru", "luong_dot", False),
)
"""`luong_dot` needs attended vectors as wide as the decoder's states, so no embeddings beside
them."""


BY_NAME = {kind.name: kind for kind in KINDS}


@dataclass(frozen=True)
class Aligned:
    """A model of one kind, and the agreement of its forced attention with eflomal."""

    kind: Kind
    system: System
    agreements: dict[str, Agreement]
    """By the name in `LINKS`."""


def main(
    eflomal: EflomalOption = "eflomal-align",
    config: ConfigOption = DEFAULT_CONFIG,
    overrides: OverridesOption = None,
    names: Annotated[
        list[str] | None,
        typer.Option("--kind", metavar="NAME", help=f"One of {', '.join(BY_NAME)}; repeatable."),
    ] = None,
    in_parallel: InParallelOption = False,
    workspace: WorkspaceOption = None,
    output: OutputOption = RESULTS,
) -> None:
    """Compare the attention of each kind of model with eflomal, on the validation split."""
    executable = find_eflomal(eflomal)
    if unknown := [name for name in names or () if name not in BY_NAME]:
        raise UserError(f"There is no kind {unknown[0]}: choose among {', '.join(BY_NAME)}.")
    kinds = [BY_NAME[name] for name in names or BY_NAME]
    given = tuple(overrides or ())
    task = prepare_task(config, given, workspace)
    plans = [
        Plan(
            f"{task.config.name}-{kind.name}",
            task.config_option,
            (*task.overrides, *kind.overrides),
        )
        for kind in kinds
    ]
    systems = train_systems(plans, task.folder, in_parallel=in_parallel)
    validation = task.read("validation")
    references = reference_links(executable, task.read("train"), *_columns(validation))
    aligned = [
        align(kind, system, validation, references)
        for kind, system in zip(kinds, systems, strict=True)
    ]
    command = reproducing_command(
        "alignment.by_kind",
        [
            ("--config", config),
            *(("--set", override) for override in given),
            *(("--kind", name) for name in names or ()),
            ("--in-parallel", in_parallel),
        ],
    )
    sharing = describe_sharing(cores_of_this_machine(), len(kinds), in_parallel=in_parallel)
    text = report(task.config.name, aligned, f"{command} --eflomal ...", sharing)
    write_result(output, f"{NAME}_{task.config.name}.md", text)


def align(
    kind: Kind, system: System, text: ParallelText, references: Sequence[Reference]
) -> Aligned:
    """Compares a model's attention, forced to produce the references, with eflomal's links.

    Args:
      kind: kind of the model.
      system: the model.
      text: [sentences] pairs.
      references: [sentences] eflomal's links.
    """
    translations = LocalModel(system.export).score(*_columns(text))
    agreements = {
        name: agreement_of(text.sources, translations, references, links)
        for name, links in LINKS.items()
    }
    return Aligned(kind, system, agreements)


def _columns(text: ParallelText) -> tuple[list[str], list[str]]:
    return text.sources, text.targets


def report(name: str, aligned: Sequence[Aligned], command: str, sharing: str) -> str:
    """Writes the results in Markdown.

    Args:
      name: name of the configuration.
      aligned: the models.
      command: the command for repeating the measurement.
      sharing: description of how the models shared the machine in training.
    """
    header = ["model", "validation BLEU", "minutes"]
    header += [f"{links} {score}" for links in LINKS for score in ("precision", "recall", "AER")]
    rows = []
    for each in aligned:
        row = [
            each.kind.description,
            number(each.system.best_validation_bleu),
            number(each.system.training_seconds / 60, 0),
        ]
        for links in LINKS:
            found = each.agreements[links]
            row += map(percent, (found.precision, found.recall, found.error_rate))
        rows.append(row)
    cards = sorted({each.system.card["machine"] for each in aligned})
    return f"""\
# Attention as word alignment, by the kind of model: {name}

{table(header, rows)}

Attention while the model is forced to say the validation split's references, against eflomal
(Östling and Tiedemann, 2016): what it links in both directions is sure, in either possible.

- hard: the links of `nmt align`; soft: all weights
- states alone: attention to the encoder's states, without source embeddings beside them
- validation BLEU: of the epoch that was exported
- minutes: of training, its validations included; {sharing}
- machine: {describe_this_machine()}; {"; ".join(cards)}
- command: `{command}`
"""


if __name__ == "__main__":
    run_program(main)
