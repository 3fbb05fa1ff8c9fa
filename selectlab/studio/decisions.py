"""Accepting and discarding collected samples, and taking it back."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from selectlab.campaigns.statuses import Standing, Status
from selectlab.errors import DataError

if TYPE_CHECKING:
    from selectlab.campaigns import Campaigns

_KEPT = 1000


@dataclass(frozen=True)
class Decision:
    """What was decided, once.

    Attributes:
        name: The campaign.
        before: Where the samples stood.
        after: Where they stand.
    """

    name: str
    before: Mapping[str, Standing]
    after: Mapping[str, Standing]


@dataclass(frozen=True)
class Made:
    """What came of a decision.

    Attributes:
        standings: Where the samples stand.
        overruled: What those were that somebody else had decided about meanwhile.
    """

    standings: Mapping[str, Standing]
    overruled: Mapping[str, Status]


class Decisions:
    """Changes what became of collected samples, and remembers how it was for as long as it runs.

    A decision is written at once. Taking it back puts the samples where they stood, those that
    somebody else has changed meanwhile excepted.

    Args:
        campaigns: Of which dataset.
    """

    def __init__(self, campaigns: Campaigns) -> None:
        self._campaigns = campaigns
        self._made: deque[Decision] = deque(maxlen=_KEPT)
        self._busy = threading.Lock()

    def make(
        self,
        name: str,
        ids: Sequence[str],
        status: Status,
        seen: Mapping[str, Status] | None = None,
    ) -> Made:
        """Give samples a status.

        Args:
            name: The campaign.
            ids: The samples.
            status: What they become.
            seen: What they were where somebody looked at them and decided.

        Raises:
            DataError: A sample was not collected, or may not become that.
        """
        with self._busy, self._campaigns.opened(read_only=False) as store:
            before = store.standings(name, ids)
            store.set_status(name, ids, status)
            after = store.standings(name, ids)
            changed = {one: held for one, held in before.items() if after[one] != held}
            if changed:
                now = {one: after[one] for one in changed}
                self._made.append(Decision(name, changed, now))
        held = ((one, before[one].status) for one in seen or () if one in changed)
        return Made(after, {one: was for one, was in held if was != (seen or {})[one]})

    def undo(self, name: str) -> dict[str, Standing]:
        """Take back the last decision about a campaign, and return where its samples stand.

        Raises:
            DataError: There is none to take back.
        """
        with self._busy:
            last = next((made for made in reversed(self._made) if made.name == name), None)
            if last is None:
                raise DataError(f"campaign {name!r}: nothing to take back")
            with self._campaigns.opened(read_only=False) as store:
                store.restore(name, last.before, last.after)
                self._made.remove(last)
                return store.standings(name, list(last.before))

    def take_over(self, other: Decisions) -> None:
        """Remember what another one does, before anything is decided here."""
        self._made.extend(other._made)

    def forget(self, name: str) -> None:
        """Let decisions stand: they have become part of a version, or were exported."""
        with self._busy:
            kept = [made for made in self._made if made.name != name]
            self._made.clear()
            self._made.extend(kept)
