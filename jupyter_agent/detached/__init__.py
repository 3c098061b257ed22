"""Detached tasks on disk: run specs, work queue, worker slots, launcher."""
