"""The tests. `tests.support` has what they share."""
