"""What a ledger does in its tables; every function works within a transaction of its caller."""

import selectlab.store  # noqa: F401  # says what is missing, before anything here needs it
