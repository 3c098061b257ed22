"""Measurements beside what a user would pick instead. Never part of the test suite."""
