"""Code in a real kernel, where printing and displaying cost what they cost a user."""

from __future__ import annotations

import ast
import json
import subprocess
from typing import Any

from jupyter_client.manager import start_new_kernel

from .harness import ROOT

TIMEOUT = 120.0


def in_kernel(module: str, function: str) -> Any:
    """Call ``module.function()`` in a fresh kernel; what it returns, by way of JSON."""
    manager, client = start_new_kernel(
        kernel_name="python3", cwd=str(ROOT), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    code = f"import json\nfrom {module} import {function}\nfound = json.dumps({function}())"
    try:
        answer = client.execute(
            code, user_expressions={"found": "found"}, reply=True, timeout=TIMEOUT, store_history=False
        )["content"]
        if answer["status"] != "ok":
            raise RuntimeError("\n".join(answer["traceback"]))
        return json.loads(ast.literal_eval(answer["user_expressions"]["found"]["data"]["text/plain"]))
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
