"""Forwards: events sent to another program's WebSocket until it has read them."""
