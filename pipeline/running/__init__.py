"""Runs a pipeline on this machine: engines, log, record, and the summary at the end."""
