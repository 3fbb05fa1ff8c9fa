"""The steps, each a module that alembic runs; see the package above."""
