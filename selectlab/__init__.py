"""Choose what to label next: a ranked selection that explains itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from selectlab.api import select as select
    from selectlab.dataset import Dataset as Dataset
    from selectlab.errors import SelectlabError as SelectlabError
    from selectlab.ranking import Ranking as Ranking
    from selectlab.ranking import rank as rank
    from selectlab.selection import Selection as Selection

__version__ = "0.1.0"
__all__ = ["Dataset", "Ranking", "Selection", "SelectlabError", "__version__", "rank", "select"]

_HOMES = {
    "Dataset": "dataset",
    "Ranking": "ranking",
    "Selection": "selection",
    "SelectlabError": "errors",
    "rank": "ranking",
    "select": "api",
}


def __getattr__(name: str) -> Any:
    """Import the public names when they are first used, so that ``--help`` stays fast."""
    if name not in _HOMES:
        raise AttributeError(f"module 'selectlab' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"selectlab.{_HOMES[name]}"), name)
