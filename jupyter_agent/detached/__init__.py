"""Detached tasks on disk: what is to be run, by which worker, and how many run at once."""
