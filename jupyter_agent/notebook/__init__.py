"""Notebook: the functions that user code calls, task handles and their views."""
