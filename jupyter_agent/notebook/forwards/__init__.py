"""The two kinds of forwards that a kernel starts: a server's, and its own."""
