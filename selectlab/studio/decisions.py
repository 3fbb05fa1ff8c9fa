"""Accepting and discarding collected samples, and taking it back."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select, update

from selectlab.campaigns.statuses import Standing, Status
from selectlab.campaigns.store import Store
from selectlab.campaigns.store.store import TABLES_SINCE
from selectlab.errors import DataError
from selectlab.store.campaign_tables import campaigns, samples
from selectlab.store.clock import utc_now
from selectlab.store.opening import opened

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

    def make(self, name: str, ids: Sequence[str], status: Status) -> dict[str, Standing]:
        """Give samples a status, and return where they stand.

        Raises:
            DataError: A sample was not collected, or may not become that.
        """
        with self._busy, Store.open(self._campaigns.store_place) as store:
            before = store.standings(name, ids)
            store.set_status(name, ids, status)
            after = store.standings(name, ids)
            changed = {one: held for one, held in before.items() if after[one] != held}
            if changed:
                now = {one: after[one] for one in changed}
                self._made.append(Decision(name, changed, now))
        return after

    def undo(self, name: str) -> dict[str, Standing]:
        """Take back the last decision about a campaign, and return where its samples stand.

        Raises:
            DataError: There is none to take back.
        """
        with self._busy:
            last = next((made for made in reversed(self._made) if made.name == name), None)
            if last is None:
                raise DataError(f"campaign {name!r}: nothing to take back")
            self._made.remove(last)
            _restore(self._campaigns, last)
        with Store.open(self._campaigns.store_place, read_only=True) as store:
            return store.standings(name, list(last.before))

    def forget(self, name: str) -> None:
        """Let decisions stand: they have become part of a version, or were exported."""
        with self._busy:
            kept = [made for made in self._made if made.name != name]
            self._made.clear()
            self._made.extend(kept)


def _restore(where: Campaigns, decision: Decision) -> None:
    database = opened(where.store_place, since=TABLES_SINCE)
    try:
        with database.writing() as connection:
            of_name = select(campaigns.c.id).where(campaigns.c.name == decision.name)
            number = connection.execute(of_name).scalar_one()
            for sample_id, before in decision.before.items():
                after = decision.after[sample_id]
                this = update(samples).where(
                    samples.c.campaign_id == number,
                    samples.c.sample_id == sample_id,
                    samples.c.status == after.status,
                    samples.c.accepted.is_(after.accepted),
                )
                values = {"status": before.status, "accepted": before.accepted}
                connection.execute(this.values({**values, "changed_at": utc_now()}))
    finally:
        database.close()
