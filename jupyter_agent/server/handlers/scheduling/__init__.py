"""Handlers of schedules and of what they are made of."""
