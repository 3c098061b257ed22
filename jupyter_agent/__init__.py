"""Durable tasks for notebooks: nothing lost, nothing twice, nothing blocked."""

__version__ = "0.1.0"


def _jupyter_server_extension_points() -> list[dict[str, object]]:
    from .server.extension import AgentExtension

    return [{"module": "jupyter_agent.server.extension", "app": AgentExtension}]
