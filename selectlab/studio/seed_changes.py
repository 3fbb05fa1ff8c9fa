"""What decisions would change of the seeds of a campaign, if it were refined now."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from selectlab.campaigns import Campaigns


def seed_changes(campaigns: Campaigns, name: str) -> dict[str, int]:
    """Return how many samples would join the seeds of a campaign, and how many would leave them.

    Returns:
        ``joining``, accepted samples that are no seeds; ``leaving``, seeds that were discarded.
    """
    with campaigns.opened(read_only=True) as store:
        seeds = {element.sample_id for element in store.seeds(name).elements}
        yes = store.sample_ids(name, accepted=True)
        no = store.sample_ids(name, statuses=["discarded"])
    return {"joining": len(yes - seeds), "leaving": len(no & seeds)}
