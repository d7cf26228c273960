"""Beam's arguments in tests: those of `nmt run`, for the DirectRunner."""

from pipeline.config.beam import BeamSettings, beam_arguments

BEAM_ARGS = [*beam_arguments(BeamSettings(), "")]
