"""Accepting and discarding collected samples, and taking it back."""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from selectlab.campaigns.element_names import named, sample_of
from selectlab.campaigns.statuses import Standing, Status
from selectlab.corpus.spaces import Element
from selectlab.errors import DataError

if TYPE_CHECKING:
    from selectlab.campaigns import Campaigns
    from selectlab.campaigns.store import Store

_KEPT = 1000


class Turn(NamedTuple):
    """Which of the steps of a tab something is; what comes late, or twice, is told by it.

    Attributes:
        tab: Tells it from other tabs.
        number: Goes up from step to step.
        first: The number of the first step of the same decision, where many samples take several.
    """

    tab: str
    number: int
    first: int | None = None

    @property
    def whole(self) -> tuple[str, int]:
        """The decision that the step is part of."""
        return self.tab, self.first or self.number


@dataclass(frozen=True, eq=False)
class Decision:
    """What was decided, once; nothing may have changed by it.

    Attributes:
        name: The campaign.
        begun: When that was made; another one may come to have its name.
        before: Where the samples stood.
        after: Where they stand.
        whole: What its steps have in common.
    """

    name: str
    begun: datetime
    before: Mapping[str, Standing]
    after: Mapping[str, Standing]
    whole: tuple[str, int] | None = None


@dataclass(frozen=True)
class Made:
    """What came of a decision.

    Attributes:
        standings: Where the samples stand.
        overruled: What those were that somebody else had decided about meanwhile.
        left: What was marked and means nothing that was collected.
    """

    standings: Mapping[str, Standing]
    overruled: Mapping[str, Status]
    left: Sequence[str] = ()


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
        """Return whether a tab is past a step."""
        return turn is not None and turn.number <= self._reached.get(turn.tab, 0)

    def reach(self, turn: Turn | None) -> None:
        """Note that a step is done; one that failed may come again."""
        if turn is None:
            return
        self._reached[turn.tab] = turn.number
        self._reached.move_to_end(turn.tab)
        if len(self._reached) > _KEPT:
            self._reached.popitem(last=False)

    def last(self, name: str, begun: datetime) -> Decision | None:
        """Return the last decision about a campaign."""
        made = reversed(self.made)
        return next((one for one in made if (one.name, one.begun) == (name, begun)), None)

    def note(self, done: Decision) -> None:
        """Keep a decision; with what its earlier steps did, if there were some."""
        held = self.last(done.name, done.begun)
        if held is not None and done.whole is not None and held.whole == done.whole:
            self.made.remove(held)
            before, after = {**done.before, **held.before}, {**held.after, **done.after}
            done = replace(done, before=before, after=after)
        self.made.append(done)


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
        *,
        marked: bool = False,
    ) -> Made:
        """Give samples a status; a step that a tab is past changes nothing.

        Args:
            name: The campaign.
            ids: The samples.
            marked: The ids are names of what is marked anywhere. What of it was not collected is
                left as it is.
            status: What they become.
            seen: What they were where somebody looked at them and decided.
            turn: Which step of its tab it is.

        Raises:
            DataError: A sample was not collected, or may not become that.
        """
        with self._past.busy, self._campaigns.opened(read_only=False) as store:
            meant = _meant(store, name, ids) if marked else {one: one for one in ids}
            left = [one for one in ids if one not in meant]
            ids = list(dict.fromkeys(meant.values()))
            before = store.standings(name, ids)
            if self._past.is_over(turn):
                return Made(before, {}, left)
            store.set_status(name, ids, status)
            self._past.reach(turn)
            after = store.standings(name, ids)
            changed = {one: held for one, held in before.items() if after[one] != held}
            now = {one: after[one] for one in changed}
            begun = store.campaign(name).created_at
            self._past.note(Decision(name, begun, changed, now, turn and turn.whole))
        held = ((one, before[one].status) for one in seen or () if one in changed)
        return Made(after, {one: was for one, was in held if was != (seen or {})[one]}, left)

    def undo(self, name: str, turn: Turn | None = None) -> dict[str, Standing]:
        """Take back the last decision about a campaign, and return where its samples stand.

        There are none where it had changed nothing.

        Args:
            name: The campaign.
            turn: Which step of its tab it is; one that the tab is past changes nothing.

        Raises:
            DataError: There is none to take back.
        """
        with self._past.busy, self._campaigns.opened(read_only=False) as store:
            if self._past.is_over(turn):
                return {}
            last = self._past.last(name, store.campaign(name).created_at)
            if last is None:
                raise DataError(f"campaign {name!r}: nothing to take back")
            store.restore(name, last.before, last.after)
            self._past.reach(turn)
            self._past.made.remove(last)
            return store.standings(name, list(last.before))

    def forget(self, name: str) -> None:
        """Let decisions stand: they have become part of a version, or were exported."""
        with self._past.busy:
            kept = [one for one in self._past.made if one.name != name]
            self._past.made.clear()
            self._past.made.extend(kept)


def _meant(store: Store, name: str, marks: Sequence[str]) -> dict[str, str]:
    """Return which collected sample each mark means.

    An object means its picture in a campaign about frames. In one about objects it means the sample
    that was collected for it, and a picture means what was collected of it.
    """
    level = store.campaign(name).space.level
    asked = list(dict.fromkeys([*marks, *map(sample_of, marks)]))
    hits = {
        hit.sample_id: Element(hit.sample_id, hit.number) for hit in store.hits(name, ids=asked)
    }
    found = {one: one for one in marks if one in hits}
    for mark in marks:
        owner = hits.get(sample_of(mark))
        if mark not in found and owner and (level == "frame" or named(owner, level) == mark):
            found[mark] = owner.sample_id
    return found
