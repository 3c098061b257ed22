"""The wire protocol, sans-IO: messages, frames and both sides of a connection."""
