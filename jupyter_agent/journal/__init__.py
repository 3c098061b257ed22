"""The durable, ordered event log and the table of tasks folded from it."""
