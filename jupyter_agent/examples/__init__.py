"""Example agent: `agent.agent` solves small tasks about files; a setting may name it, or your own."""
