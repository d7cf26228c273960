"""Parallel text for whole runs, available to every clone.

Uses the descriptions of Debian's packages if apt reaches the archive, and otherwise a made-up
language with known word alignments.
"""

import gzip
import os
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]


def write_real_text(folder: Path, pairs: int) -> Path:
    """Writes pairs as one TSV file and returns its path."""
    path = folder / "text.tsv"
    fetched = subprocess.run(
        [sys.executable, "-m", "pipeline", "corpus", "debian", "--workspace", str(folder / "apt")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=600,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    if fetched.returncode != 0:
        reason = fetched.stderr.strip().rpartition("\n")[2]
        warnings.warn(f"runs on a made-up language, since: {reason}", stacklevel=2)
        return write_made_up_text(folder, pairs)
    lines: list[bytes] = []
    for shard in sorted((folder / "apt/corpora/debian").glob("train-*.tsv.gz")):
        lines += gzip.decompress(shard.read_bytes()).splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:pairs]))
    return path


def write_made_up_text(folder: Path, pairs: int) -> Path:
    """Writes pairs in a language of 40 words; some of them change places with their neighbour."""
    from benchmarks.alignment.aligned_language import aligned_text, spelled

    text, _ = aligned_text(np.random.default_rng(1), pairs)
    path = folder / "text.tsv"
    with path.open("w", encoding="utf-8") as file:
        for source, target in zip(text.source, text.target, strict=True):
            file.write(f"{spelled(source)}\t{spelled(target)}\n")
    return path
