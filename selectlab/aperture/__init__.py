"""ApertureDB, live: a dataset into a database, and a selection back out onto its images."""

from selectlab.aperture.database import TIMEOUT_S, Database, opened
from selectlab.aperture.marking import Marked, mark
from selectlab.aperture.pushing import Count, Pushed, push

__all__ = ["TIMEOUT_S", "Count", "Database", "Marked", "Pushed", "mark", "opened", "push"]
