"""Prometheus metrics, on Jupyter's own ``/metrics``."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

CONNECTIONS = Gauge("jupyter_agent_connections", "Open WebSockets", ["role"])
EVENTS_IN = Counter("jupyter_agent_events_in", "Events committed to the journal")
EVENTS_OUT = Counter("jupyter_agent_events_out", "Events written to subscribers")
REPLAYED = Counter("jupyter_agent_events_replayed", "Events written to subscribers from the journal's pages")
LAG = Gauge("jupyter_agent_lag_events", "How far the slowest open subscription is behind the journal")
COMMIT = Histogram(
    "jupyter_agent_commit_seconds",
    "Time of one journal transaction",
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5),
)
