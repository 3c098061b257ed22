"""Attempts in a process of a pool: the side that runs them."""
