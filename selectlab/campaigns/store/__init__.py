"""What campaigns remember, in the tables of a store.

:class:`~selectlab.campaigns.store.store.Store` is the way in.

Raises:
    MissingExtraError: On import, without SQLAlchemy and alembic.
"""

from __future__ import annotations

import selectlab.store  # noqa: F401  # says what is missing, before anything below needs it
from selectlab.campaigns.store.store import Store

__all__ = ["Store"]
