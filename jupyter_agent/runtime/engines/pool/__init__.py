"""Attempts in the processes of an executor, as seen from the process that submits them."""
