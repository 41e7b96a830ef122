"""The parts of scripts/kmv, one concept a module."""
