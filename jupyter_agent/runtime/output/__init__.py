"""Output of a task before it becomes events: lines of text, and MIME bundles."""
