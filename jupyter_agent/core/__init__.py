"""The pure centre: events, tasks, the wire protocol. No I/O, no clock, no randomness of its own."""
