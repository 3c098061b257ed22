"""Commands as tasks."""
