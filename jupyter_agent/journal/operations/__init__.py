"""Operations: use cases that run in a journal's session."""
