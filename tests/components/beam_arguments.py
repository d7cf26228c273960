"""How Beam runs in tests: as `nmt run` has it, on the DirectRunner."""

from pipeline.config.beam import BeamSettings, beam_arguments

BEAM_ARGS = [*beam_arguments(BeamSettings(), "")]
