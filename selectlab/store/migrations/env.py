"""What alembic runs to bring the database of ``store.revisions`` up to date."""

from __future__ import annotations

from alembic import context

from selectlab.store.columns import METADATA, REVISION_TABLE


def migrate() -> None:
    """Run the missing steps in the transaction that the caller has begun."""
    context.configure(
        connection=context.config.attributes["connection"],
        target_metadata=METADATA,
        version_table=REVISION_TABLE,
    )
    with context.begin_transaction():
        context.run_migrations()


if __name__ == "env_py":  # the name under which alembic runs this file
    migrate()
