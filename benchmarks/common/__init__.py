"""What the benchmarks share: options, tables, timings, trained systems."""
