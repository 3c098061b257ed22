"""What a setting may name, and a pattern for your own: `agent.agent` solves small tasks about files."""
