"""Rendering: text and HTML for people, pure."""
