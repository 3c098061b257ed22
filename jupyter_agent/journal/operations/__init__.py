"""Operations: jobs that run in a journal's session."""
