"""Programs for measuring trained systems; each prints a table.

    python -m benchmarks.quality.attention_vs_basic
    python -m benchmarks.quality.bleu --config multi30k --seed 1 --seed 2 --seed 3
    python -m benchmarks.quality.copying --config debian
    python -m benchmarks.alignment.eflomal --config multi30k
    python -m benchmarks.alignment.by_kind --config multi30k

Each trains with the real pipeline, changed only by `--set`, and scores the exported models on the
test split, never used for tuning. The trained systems stay in the workspace under `benchmarks/`: a
second run reuses them, and a killed run continues. The results are written to
`benchmarks/results/`. The programs for alignment use the validation split, and `alignment.eflomal`
trains nothing.
"""
