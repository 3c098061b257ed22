"""Loading: the notebook in a file, and the kernel that it runs in."""

from __future__ import annotations

from pathlib import Path

import nbformat
from jupyter_client.kernelspec import NATIVE_KERNEL_NAME, KernelSpec, KernelSpecManager, NoSuchKernel
from nbformat import NotebookNode

from ...errors import BadTarget


def read_notebook(path: Path) -> NotebookNode:
    """Return the notebook in a file, in the newest format. Raises `BadTarget` when the file has none."""
    try:
        notebook: NotebookNode = nbformat.read(path, as_version=4)
    except OSError as error:
        raise BadTarget(f"the notebook {path} cannot be read: {error.strerror or error}") from error
    except (ValueError, AttributeError, KeyError, TypeError, nbformat.ValidationError) as error:
        raise BadTarget(f"{path} is not a notebook: {str(error)[:200] or type(error).__name__}") from error
    if not isinstance(notebook.get("cells"), list):
        raise BadTarget(f"{path} is not a notebook: it has no cells")
    return notebook


def find_kernel(notebook: NotebookNode, requested: str | None) -> KernelSpec:
    """Return the *requested* kernel, else the notebook's own. Raises `BadTarget` when it is not installed."""
    name = requested or notebook.metadata.get("kernelspec", {}).get("name") or NATIVE_KERNEL_NAME
    manager = KernelSpecManager()
    try:
        return manager.get_kernel_spec(name)
    except NoSuchKernel as error:
        here = ", ".join(sorted(manager.find_kernel_specs())) or "none"
        whose = "" if requested else "the notebook's own; another can be asked for: "
        raise BadTarget(f"there is no kernel {name!r} here ({whose}{here})") from error
