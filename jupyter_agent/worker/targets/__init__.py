"""How each kind of target is run as an attempt."""
