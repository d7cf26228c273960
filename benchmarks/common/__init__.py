"""Code shared by the benchmarks: options, tables, timings, trained systems."""
