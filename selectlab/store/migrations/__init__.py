"""How a store came to have its tables, step by step (alembic).

A change of the tables is a new module in ``versions``, with a ``revision`` of its own and the
newest one before it as ``down_revision``; ``campaign_tables.py`` and ``ledger_tables.py`` say
what comes out.
"""
