"""The SQLite adapter of the journal."""
