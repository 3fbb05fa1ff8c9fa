"""Accepting and discarding collected samples, and taking it back."""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from selectlab.campaigns.statuses import Standing, Status
from selectlab.errors import DataError

if TYPE_CHECKING:
    from selectlab.campaigns import Campaigns

_KEPT = 1000


class Turn(NamedTuple):
    """Which of the steps of a tab something is; what comes late, or twice, is told by it.

    Attributes:
        tab: Tells it from other tabs.
        number: Goes up from step to step.
    """

    tab: str
    number: int


@dataclass(frozen=True)
class Decision:
    """What was decided, once.

    Attributes:
        name: The campaign.
        begun: When that was made; another one may come to have its name.
        before: Where the samples stood.
        after: Where they stand.
    """

    name: str
    begun: datetime
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


class Past:
    """What was decided for as long as the page is served, whenever the dataset was opened.

    Attributes:
        made: Decisions that can be taken back, the last one last.
        busy: Held by whoever decides: one at a time.
    """

    def __init__(self) -> None:
        self.made: deque[Decision] = deque(maxlen=_KEPT)
        self.busy = threading.Lock()
        self._reached: OrderedDict[str, int] = OrderedDict()

    def is_over(self, turn: Turn | None) -> bool:
        """Return whether a tab is past a step; if not it is by now."""
        if turn is None:
            return False
        if turn.number <= self._reached.get(turn.tab, 0):
            return True
        self._reached[turn.tab] = turn.number
        self._reached.move_to_end(turn.tab)
        if len(self._reached) > _KEPT:
            self._reached.popitem(last=False)
        return False


class Decisions:
    """Changes what became of collected samples, and takes it back.

    A decision is written at once. Taking it back puts the samples where they stood, those that
    somebody else has changed meanwhile excepted.

    Args:
        campaigns: Of which dataset.
        past: What was decided before, which is added to.
    """

    def __init__(self, campaigns: Campaigns, past: Past) -> None:
        self._campaigns, self._past = campaigns, past

    def make(
        self,
        name: str,
        ids: Sequence[str],
        status: Status,
        seen: Mapping[str, Status] | None = None,
        turn: Turn | None = None,
    ) -> Made:
        """Give samples a status; a step that a tab is past changes nothing.

        Args:
            name: The campaign.
            ids: The samples.
            status: What they become.
            seen: What they were where somebody looked at them and decided.
            turn: Which step of its tab it is.

        Raises:
            DataError: A sample was not collected, or may not become that.
        """
        with self._past.busy, self._campaigns.opened(read_only=False) as store:
            before = store.standings(name, ids)
            if self._past.is_over(turn):
                return Made(before, {})
            store.set_status(name, ids, status)
            after = store.standings(name, ids)
            changed = {one: held for one, held in before.items() if after[one] != held}
            if changed:
                now = {one: after[one] for one in changed}
                begun = store.campaign(name).created_at
                self._past.made.append(Decision(name, begun, changed, now))
        held = ((one, before[one].status) for one in seen or () if one in changed)
        return Made(after, {one: was for one, was in held if was != (seen or {})[one]})

    def undo(self, name: str, turn: Turn | None = None) -> dict[str, Standing]:
        """Take back the last decision about a campaign, and return where its samples stand.

        Args:
            name: The campaign.
            turn: Which step of its tab it is; one that the tab is past changes nothing.

        Raises:
            DataError: There is none to take back.
        """
        with self._past.busy, self._campaigns.opened(read_only=False) as store:
            if self._past.is_over(turn):
                return {}
            which = name, store.campaign(name).created_at
            made = reversed(self._past.made)
            last = next((one for one in made if (one.name, one.begun) == which), None)
            if last is None:
                raise DataError(f"campaign {name!r}: nothing to take back")
            store.restore(name, last.before, last.after)
            self._past.made.remove(last)
            return store.standings(name, list(last.before))

    def forget(self, name: str) -> None:
        """Let decisions stand: they have become part of a version, or were exported."""
        with self._past.busy:
            kept = [one for one in self._past.made if one.name != name]
            self._past.made.clear()
            self._past.made.extend(kept)
