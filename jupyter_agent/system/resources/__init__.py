"""What a process and everything that it started use of this machine."""
