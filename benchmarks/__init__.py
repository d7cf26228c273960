"""Programs that measure trained systems and print a table.

    python -m benchmarks.quality.attention_vs_basic
    python -m benchmarks.quality.bleu --config multi30k --seed 1 --seed 2 --seed 3
    python -m benchmarks.quality.copying --config debian
    python -m benchmarks.alignment.eflomal --config multi30k
    python -m benchmarks.alignment.by_kind --config multi30k

Each trains by the real pipeline, with `--set` alone, and scores the exported models on the test
split, which nothing was tuned on. What they train lies in the workspace under `benchmarks/`: a
second run takes it from there, and one that was killed goes on. What they find is written to
`benchmarks/results/`. The programs for alignment compare on the validation split, and
`alignment.eflomal` trains nothing.
"""
