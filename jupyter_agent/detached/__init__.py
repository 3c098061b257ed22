"""Detached tasks on disk: what each runs, the queue of attempts, the worker slots, the launcher."""
