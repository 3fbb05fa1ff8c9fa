"""Counts of what had to be left out or decided, for a line each at the end."""

from __future__ import annotations


class Tally:
    """Counts things of a kind and remembers where each kind came first.

    Example:
        >>> tally = Tally()
        >>> tally.add("boxes without a class", "'a.png'")
        >>> tally.add("boxes without a class", "'b.png'", 2)
        >>> tally.lines()
        ["boxes without a class: 3, first in 'a.png'"]
    """

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._first: dict[str, str] = {}

    def add(self, what: str, where: str, count: int = 1) -> None:
        """Count things.

        Args:
            what: Their kind, in the plural, as it begins the line.
            where: Where they are: a sample, or a place in a file.
            count: How many.
        """
        self._counts[what] = self._counts.get(what, 0) + count
        self._first.setdefault(what, where)

    def lines(self) -> list[str]:
        """Return a line per kind, in the order in which the kinds came."""
        return [f"{what}: {n}, first in {self._first[what]}" for what, n in self._counts.items()]
