"""The live view of tasks in a terminal."""
