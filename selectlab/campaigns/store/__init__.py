"""Where campaigns are kept: an SQLite file, or a PostgreSQL database that a team shares.

:class:`~selectlab.campaigns.store.store.Store` is the way in.

Raises:
    MissingExtraError: On import, without SQLAlchemy and alembic.
"""

from __future__ import annotations

from importlib.util import find_spec

from selectlab.errors import MissingExtraError

if not (find_spec("sqlalchemy") and find_spec("alembic")):
    raise MissingExtraError(
        "campaigns: need SQLAlchemy and alembic; "
        "install them with: pip install 'selectlab[campaigns]'"
    )

from selectlab.campaigns.store.store import Store

__all__ = ["Store"]
