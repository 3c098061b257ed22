"""What a target declares about its parameters, read from its source; nothing of it is executed."""
