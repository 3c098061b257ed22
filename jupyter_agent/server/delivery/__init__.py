"""Fan-out: from a committed event to every connection that subscribed to it."""
