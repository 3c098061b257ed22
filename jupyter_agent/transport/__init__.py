"""Outgoing connections: discovery, WebSocket, HTTP, TLS."""
