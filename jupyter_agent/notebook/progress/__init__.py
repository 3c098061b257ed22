"""Progress: `track` and the bars drawn for it."""
