"""The pure domain: events, tasks, schedules. No I/O, no clock, no randomness of its own."""
