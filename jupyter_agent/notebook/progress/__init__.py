"""Progress: `track`, the loops it observes, and the bars drawn for them."""
