"""Commands of `jupyter agent`."""
