"""Capture: what a task prints, logs and shows as bars becomes events, and still appears as usual."""
