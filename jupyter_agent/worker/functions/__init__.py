"""Functions and agents as tasks."""
