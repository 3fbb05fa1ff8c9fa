"""In which order collected samples are shown: fixed while somebody looks at them."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from selectlab.campaigns.campaigns import UNSENT
from selectlab.campaigns.records import Hit
from selectlab.campaigns.statuses import STATUSES
from selectlab.ids import Ids

if TYPE_CHECKING:
    from selectlab.campaigns import Campaigns
    from selectlab.campaigns.store import Store

_VIEWS = 16
_RANKINGS = 4


@dataclass(frozen=True)
class Wanted:
    """What somebody looks at.

    Attributes:
        name: The campaign.
        statuses: Only samples of these; of all, where there are none.
        classifier: In the order that a classifier gives, which learned from decisions.
        view: Tells one who looks from others; ``""`` for one who does not say.
    """

    name: str
    statuses: tuple[str, ...] = ()
    classifier: bool = False
    view: str = ""


@dataclass(frozen=True)
class Order:
    """Samples as they were when the first of them was asked for.

    Attributes:
        ids: Best first.
        probabilities: Those of a classifier.
    """

    ids: Sequence[str]
    probabilities: Mapping[str, float] = field(default_factory=dict)


class HitOrders:
    """Pages of collected samples, best first.

    The order is that of when a view was first asked for, so that nothing jumps away while somebody
    decides; what became of each sample is as it is now. Of each page only its own hits are read.

    Args:
        campaigns: Of which dataset.
    """

    def __init__(self, campaigns: Campaigns) -> None:
        self._campaigns = campaigns
        self._views: OrderedDict[Wanted, Order] = OrderedDict()
        self._rankings: OrderedDict[str, tuple[Any, Ids]] = OrderedDict()
        self._busy = threading.Lock()

    def page(self, wanted: Wanted, offset: int, limit: int) -> dict[str, Any]:
        """Return some of the samples, as JSON.

        Raises:
            DataError: There is no such campaign, or a classifier has too little to learn from.
        """
        order = self._order(wanted, anew=offset == 0 and not wanted.view)
        shown = list(order.ids[offset : offset + limit])
        with self._campaigns.opened(read_only=True) as store:
            of_object = store.campaign(wanted.name).space.level == "object"
            found = {hit.sample_id: hit for hit in store.hits(wanted.name, ids=shown)}
        items = [
            _item(found[one], order.probabilities.get(one), of_object)
            for one in shown
            if one in found
        ]
        return {"total": len(order.ids), "offset": offset, "items": items}

    def _order(self, wanted: Wanted, *, anew: bool) -> Order:
        with self._busy:
            held = None if anew else self._views.get(wanted)
        if held is None:
            held = self._ranked(wanted) if wanted.classifier else self._best_first(wanted)
        with self._busy:
            self._views[wanted] = held
            self._views.move_to_end(wanted)
            while len(self._views) > _VIEWS:
                self._views.popitem(last=False)
        return held

    def _ranked(self, wanted: Wanted) -> Order:
        found = self._campaigns.ranked(wanted.name, statuses=wanted.statuses or UNSENT)
        names = Ids.of([hit.sample_id for hit in found])
        return Order(names, {hit.sample_id: hit.probability for hit in found})

    def _best_first(self, wanted: Wanted) -> Order:
        with self._campaigns.opened(read_only=True) as store:
            ranking = self._ranking(store, wanted.name)
            if not wanted.statuses:
                return Order(ranking)
            others = [one for one in STATUSES if one not in wanted.statuses]
            gone = store.sample_ids(wanted.name, statuses=others)
        return Order(Ids.of([one for one in ranking if one not in gone]))

    def _ranking(self, store: Store, name: str) -> Ids:
        """Return all samples of a campaign, which change only with its runs."""
        key = [(run.id, run.updated_at, run.n_collected) for run in store.runs(name)]
        with self._busy:
            held = self._rankings.get(name)
        if held is None or held[0] != key:
            held = key, Ids.of(store.ranking(name))
            with self._busy:
                self._rankings[name] = held
                while len(self._rankings) > _RANKINGS:
                    self._rankings.popitem(last=False)
        return held[1]


def _item(hit: Hit, probability: float | None, of_object: bool) -> dict[str, Any]:
    return {
        "id": hit.sample_id,
        "number": hit.number if of_object else None,
        "score": hit.score,
        "probability": probability,
        "cluster": hit.cluster + 1,
        "version": hit.version,
        "status": hit.status,
        "accepted": hit.accepted,
    }
