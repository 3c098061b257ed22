"""The log of a task: its lines, levels and styles."""
