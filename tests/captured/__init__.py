"""People's own code: what common libraries print, show and count is run as tasks, and becomes a table."""
