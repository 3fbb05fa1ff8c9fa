"""Where campaigns and rounds are kept: an SQLite file, or a PostgreSQL database for a team.

:func:`~selectlab.store.opening.opened` opens one.

Raises:
    MissingExtraError: On import, without SQLAlchemy and alembic.
"""

from __future__ import annotations

from importlib.util import find_spec

from selectlab.errors import MissingExtraError

if not (find_spec("sqlalchemy") and find_spec("alembic")):
    raise MissingExtraError(
        "campaigns and rounds: need SQLAlchemy and alembic; "
        "install them with: pip install 'selectlab[campaigns]'"
    )
