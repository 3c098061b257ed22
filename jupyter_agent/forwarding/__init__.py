"""Events to a WebSocket of somebody else's: what a forward is, and sending until the peer has it."""
