"""Artifacts: results and checkpoints, as files beside the journal."""
