"""The verdicts of all runs as files, one for each evaluation: `nmt report` reads them without TFMA,
which takes half a minute to load."""

import contextlib
import json
from pathlib import Path
from typing import Any

from components.verdict import Verdict

_FOLDER = "verdicts"


def keep_verdict(reports: str, evaluation: int, verdict: Verdict) -> None:
    """Writes a verdict down.

    Args:
      reports: the folder of the pipeline's reports.
      evaluation: the id of the evaluation in ML Metadata.
      verdict: what the gate decided on it.
    """
    path = Path(reports, _FOLDER, f"{evaluation}.json")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(verdict.model_dump_json(indent=2) + "\n", encoding="utf-8")


def kept_verdict(reports: str, evaluation: int, uri: str) -> dict[str, Any] | None:
    """Reads a verdict as plain values: an older release may have written fewer, a newer one more.

    Args:
      reports: the folder of the pipeline's reports.
      evaluation: the id of the evaluation in ML Metadata.
      uri: where the evaluation lies; an Evaluator that writes its verdict down does it there.

    Returns:
      The fields of a `Verdict`, or None where none was kept.
    """
    for path in (Path(uri, "verdict.json"), Path(reports, _FOLDER, f"{evaluation}.json")):
        with contextlib.suppress(OSError, ValueError):
            found = json.loads(path.read_bytes())
            if isinstance(found, dict):
                return found
    return None
