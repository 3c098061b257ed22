"""The page of the package on an index: PACKAGE.md with absolute links, and the project's addresses.

All of them are made from one address: ``repository`` under ``[tool.hatch.metadata.hooks.custom]`` in
pyproject.toml. While that is empty, links within the repository are plain text, pictures are left out, and
there are no addresses.
"""

from __future__ import annotations

import re

_PICTURE = re.compile(r"!\[(?P<text>[^\]]*)\]\((?P<path>[^):]+)\)\n*")
_LINK = re.compile(r"(?<!!)\[(?P<text>[^\]]*)\]\((?P<path>[^):#][^):]*)\)")


def page(text: str, repository: str, version: str) -> str:
    """Return Markdown whose links and pictures work anywhere."""
    if not repository:
        return _LINK.sub(r"\g<text>", _PICTURE.sub("", text))
    text = _PICTURE.sub(rf"![\g<text>]({repository}/raw/v{version}/\g<path>)\n\n", text)
    return _LINK.sub(rf"[\g<text>]({repository}/blob/v{version}/\g<path>)", text)


def urls(repository: str) -> dict[str, str]:
    """Return the addresses that an index shows beside the page; none without a repository."""
    if not repository:
        return {}
    return {
        "Source": repository,
        "Documentation": f"{repository}/tree/main/docs",
        "Changelog": f"{repository}/blob/main/CHANGELOG.md",
        "Issues": f"{repository}/issues",
    }
