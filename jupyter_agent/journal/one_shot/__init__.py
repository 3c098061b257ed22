"""A journal that no server holds: opened for one job, brought up to date, released."""

from .session import home_of, run_in_session

__all__ = ["home_of", "run_in_session"]
