"""Reports of runs: what was asked, what came out and why, on one page to look at."""

from selectlab.report.report import Written, write_report

__all__ = ["Written", "write_report"]
