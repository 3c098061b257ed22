"""The modules that `import jupyter_agent` loads, and a configuration that names what exists."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).parents[2]
HEAVY = (
    "jupyter_server",
    "sqlite3",
    "ipywidgets",
    "anywidget",
    "click",
    "rich",
    "cloudpickle",
    "nest_asyncio2",
)


def test_importing_the_package_loads_nothing_that_a_kernel_may_never_need() -> None:
    program = "import sys, jupyter_agent; print(*sys.modules, sep='\\n')"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "jupyter_agent" in loaded
    assert not loaded & set(HEAVY)


def test_the_server_config_enables_a_module_that_is_an_extension() -> None:
    path = ROOT / "jupyter-config" / "jupyter_server_config.d" / "jupyter_agent.json"
    enabled = json.loads(path.read_text())["ServerApp"]["jpserver_extensions"]
    assert enabled == {"jupyter_agent": True}
    for name in enabled:
        assert import_module(name)._jupyter_server_extension_points()
