"""What `nmt corpus` and `nmt config make` tell about a configuration in the workspace."""

from pathlib import Path

from pipeline.config.made import make_configuration
from pipeline.corpora.information import CorpusInfo
from pipeline.next_command import whole_command
from pipeline.workspace import Workspace
from trainer.scoring import METRIC_NAMES

_FEWEST_PAIRS = 1_000
"""Below, there is not even a pair for each subword."""


def make_and_tell(
    corpus: CorpusInfo, folder: Path, workspace: Workspace, *, force: bool = False
) -> dict[str, str]:
    """Makes the configuration of a corpus; returns lines for the user by label.

    Args:
        corpus: as for `make_configuration`, like the others.
        folder: its folder.
        workspace: a local workspace.
        force: whether to replace a file that was edited.
    """
    made = make_configuration(corpus, folder, workspace, force=force)
    if made.floors is None:
        anew = whole_command(f"config make {corpus.name} --force", workspace)
        return {"config": f"{made.path}, kept because it was edited; `{anew}` makes it anew"}
    measured = [
        f"{METRIC_NAMES[metric]} {floor.value:.1f}"
        for metric, floor in made.floors.items()
        if floor.value is not None
    ]
    reason = "measured on the test pairs, without a model"
    floor = f"{', '.join(measured)}: {reason}" if measured else made.floors["bleu"].reason
    lines = {"config": made.path, "floor": floor}
    if (pairs := corpus.counts["train"]) < _FEWEST_PAIRS:
        lines["note"] = f"{pairs} training pairs are too few for useful translations"
    return lines
