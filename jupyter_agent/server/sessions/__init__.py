"""One WebSocket's conversation, from its hello to its close, without Tornado."""
