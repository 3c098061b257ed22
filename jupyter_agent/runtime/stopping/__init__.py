"""What stopping a task needs to know of the code that runs."""
