"""Runs a pipeline on this machine: the engines, the log, the records, and the summary."""
