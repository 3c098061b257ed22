"""Services that run as long as the server does."""
