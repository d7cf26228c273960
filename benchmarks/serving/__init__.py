"""Measurements of the model server: overhead, throughput, reloads, hostile requests."""
