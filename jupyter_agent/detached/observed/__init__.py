"""What can be seen of tasks from outside: what queued ones wait for, what running ones use."""
