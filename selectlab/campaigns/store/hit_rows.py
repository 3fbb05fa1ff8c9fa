"""Collected samples in the tables: what each version found, best first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    and_,
    bindparam,
    exists,
    func,
    or_,
    select,
    update,
)

from selectlab.campaigns.records import Campaign, Found, Hit, Run
from selectlab.campaigns.statuses import Status
from selectlab.corpus.spaces import Element
from selectlab.store.bulk_rows import add_rows, listed
from selectlab.store.campaign_tables import hits, runs, samples, versions


def collect(connection: Connection, run: Run, found: Iterable[Found], now: datetime) -> int:
    """Add what a run has found and return how many samples are new to its version.

    A sample is there once in a version and an index, with its best element; one that the campaign
    has discarded is left out. What was found before in the same index stays as it is, unless the
    new element is better.
    """
    best: dict[str, Found] = {}
    for hit in found:
        known = best.get(hit.sample_id)
        if known is None or _rank(hit) < _rank(known):
            best[hit.sample_id] = hit
    ids = sorted(best)
    there = _known(connection, run, ids)
    new, better = [], []
    for name in ids:
        row = there.get(name)
        if row is None or (row.score is None and row.status != "discarded"):
            new.append(best[name])
        elif row.score is not None and _rank(best[name]) < _rank(_found(row)):
            better.append(best[name])
    _add_samples(connection, run, [name for name in ids if name not in there], now)
    n_elsewhere = _n_held(connection, run, [hit.sample_id for hit in new])
    of_run: dict[str, object] = {"version_id": run.version_id, "run_id": run.id}
    of_run["corpus"] = run.corpus
    add_rows(connection, hits, of_run, _columns(new))
    _replace(connection, run, better)
    return len(new) - n_elsewhere


@dataclass(frozen=True)
class Wanted:
    """Which hits of a campaign are meant.

    Attributes:
        campaign: The campaign.
        version_id: Of this version; ``None`` for those of the newest one that has the sample.
        statuses: Only samples of these.
        corpus: Only what was found in this index; ``None`` for the best known of all.
        corpora: The indexes that the campaign has gone over, the last one first.
        ids: Only these samples.
    """

    campaign: Campaign
    version_id: int | None
    statuses: Sequence[Status] | None
    corpus: str | None
    corpora: Sequence[str]
    ids: Sequence[str] | None = None

    @property
    def last(self) -> str:
        """The index that the campaign was collected from last."""
        return self.corpora[0] if self.corpora else ""

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return what holds for the hits that are meant, one a sample."""
        found = [samples.c.campaign_id == self.campaign.id]
        if self.version_id is not None:
            found.append(hits.c.version_id == self.version_id)
        if self.corpus is not None:
            found.append(hits.c.corpus == self.corpus)
        if self.statuses is not None:
            found.append(samples.c.status.in_(self.statuses))
        better = self._better()
        return found if better is None else [*found, ~better]

    def _better(self) -> ColumnElement[bool] | None:
        """Return the condition that there is a hit of the sample that counts instead.

        That is one of a newer version; in the same version one of the index that was collected
        from last, else of the later run.
        """
        other = hits.alias()
        instead = []
        if self.version_id is None:
            instead.append(other.c.version_id > hits.c.version_id)
        if self.corpus is None and len(self.corpora) > 1:
            later = or_(other.c.corpus == self.last, other.c.run_id > hits.c.run_id)
            same = other.c.version_id == hits.c.version_id
            instead.append(and_(same, hits.c.corpus != self.last, later))
        if not instead:
            return None
        ours = select(versions.c.id).where(versions.c.campaign_id == self.campaign.id)
        here = [] if self.corpus is None else [other.c.corpus == self.corpus]
        return exists().where(
            other.c.version_id.in_(ours),
            other.c.sample_id == hits.c.sample_id,
            *here,
            or_(*instead),
        )


def page(connection: Connection, wanted: Wanted, after: Hit | None, limit: int) -> list[Hit]:
    """Return the next hits by falling score and rising sample id; see ``Store.hits``."""
    these = _selected().where(*wanted.conditions())
    if wanted.ids is not None:
        these = these.where(hits.c.sample_id.in_(listed(connection, wanted.ids)))
    if after is not None:  # the first condition is one that an index helps with
        beyond = or_(hits.c.score < after.score, hits.c.sample_id > after.sample_id)
        these = these.where(hits.c.score <= after.score, beyond)
    best = hits.c.score.desc() if wanted.ids is None else -hits.c.score  # no index to go through
    ordered = these.order_by(best, hits.c.sample_id).limit(limit)
    return [_hit(row, wanted.last) for row in connection.execute(ordered)]


def ranking(connection: Connection, wanted: Wanted) -> list[str]:
    """Return the ids of all that a campaign has collected, in the order of :func:`page`.

    A database joins 100,000 hits with their samples in seconds. Where one index was gone over, the
    scores of each version lie in an index of the table, and what is in there is all it takes.
    """
    if len(wanted.corpora) > 1:
        these = select(hits.c.sample_id).join_from(hits, versions).join(samples, _of_sample())
        ordered = these.order_by(hits.c.score.desc(), hits.c.sample_id)
        return list(connection.execute(ordered.where(*wanted.conditions())).scalars())
    numbers = [wanted.version_id] if wanted.version_id is not None else _newest(connection, wanted)
    found: list[Any] = []
    for at, number in enumerate(numbers):
        these = select(hits.c.sample_id, hits.c.score).where(hits.c.version_id == number)
        if at:
            other = hits.alias()
            newer = select(other.c.sample_id).where(other.c.version_id.in_(numbers[:at]))
            these = these.where(hits.c.sample_id.not_in(newer))
        ordered = these.order_by(hits.c.score.desc(), hits.c.sample_id)
        found += connection.execute(ordered).all()
    if len(numbers) > 1:
        found.sort(key=lambda one: (-one[1], one[0]))
    return [name for name, _ in found]


def _newest(connection: Connection, wanted: Wanted) -> list[int]:
    """Return the versions of a campaign, the newest first."""
    these = select(versions.c.id).where(versions.c.campaign_id == wanted.campaign.id)
    return list(connection.execute(these.order_by(versions.c.number.desc())).scalars())


def n_collected(connection: Connection, version_id: int, corpus: str) -> int:
    """Return how many distinct samples of a corpus a version has collected."""
    these = (hits.c.version_id == version_id, hits.c.corpus == corpus)
    return int(connection.execute(select(func.count()).where(*these)).scalar_one())


def _of_run(run: Run) -> ColumnElement[bool]:
    """Return the condition for hits of the version and the index of a run."""
    return and_(hits.c.version_id == run.version_id, hits.c.corpus == run.corpus)


def _known(connection: Connection, run: Run, ids: Sequence[str]) -> dict[str, Row[Any]]:
    """Return what is known of samples: status, and the hit in the version and index of a run."""
    same = and_(hits.c.sample_id == samples.c.sample_id, _of_run(run))
    columns = [column for column in hits.c if column.name != "sample_id"]
    joined = select(samples.c.sample_id, samples.c.status, *columns).outerjoin_from(
        samples, hits, same
    )
    wanted = joined.where(
        samples.c.campaign_id == run.campaign_id, samples.c.sample_id.in_(listed(connection, ids))
    )
    return {row.sample_id: row for row in connection.execute(wanted)}


def _n_held(connection: Connection, run: Run, ids: Sequence[str]) -> int:
    """Return how many of some samples the version of a run has found in other indexes."""
    others = select(runs.c.id).where(
        runs.c.version_id == run.version_id, runs.c.corpus != run.corpus
    )
    if connection.execute(others.limit(1)).first() is None:
        return 0
    held = (hits.c.version_id == run.version_id, hits.c.sample_id.in_(listed(connection, ids)))
    wanted = select(func.count(hits.c.sample_id.distinct())).where(*held)
    return int(connection.execute(wanted).scalar_one())


def _rank(hit: Found) -> tuple[float, int, int, Element]:
    """Return what puts the better of two elements of one sample first, whatever their order."""
    return -hit.score, hit.number, hit.cluster, hit.seed


def _found(row: Row[Any]) -> Found:
    seed = Element(row.seed_sample_id, row.seed_number)
    return Found(row.sample_id, row.score, row.number, row.cluster, seed)


def _add_samples(connection: Connection, run: Run, ids: Sequence[str], now: datetime) -> None:
    same: dict[str, object] = {"campaign_id": run.campaign_id, "version_id": run.version_id}
    same |= {"status": "new", "accepted": False, "changed_at": now}
    add_rows(connection, samples, same, {"sample_id": ids})


def _columns(found: Sequence[Found]) -> dict[str, list[object]]:
    return {
        "sample_id": [hit.sample_id for hit in found],
        "score": [float(hit.score) for hit in found],
        "number": [int(hit.number) for hit in found],
        "cluster": [int(hit.cluster) for hit in found],
        "seed_sample_id": [hit.seed.sample_id for hit in found],
        "seed_number": [int(hit.seed.number) for hit in found],
    }


def _replace(connection: Connection, run: Run, found: Sequence[Found]) -> None:
    """Give hits other elements; the run that was first stays."""
    columns = _columns(found)
    this = and_(_of_run(run), hits.c.sample_id == bindparam("_sample_id"))
    values: dict[str, Any] = {
        name: bindparam(f"_{name}") for name in columns if name != "sample_id"
    }
    rows = zip(*columns.values(), strict=True)
    given = [{f"_{name}": value for name, value in zip(columns, row, strict=True)} for row in rows]
    if given:
        connection.execute(update(hits).where(this).values(values), given)


def _selected() -> Select[Any]:
    """Return the columns that :func:`_hit` takes."""
    version = versions.c.number.label("version")
    joined = select(hits, version, samples.c.status, samples.c.accepted)
    return joined.join_from(hits, versions).join(samples, _of_sample())


def _of_sample() -> ColumnElement[bool]:
    """Return the condition that puts hits of some versions and their samples together."""
    same = samples.c.sample_id == hits.c.sample_id
    return and_(samples.c.campaign_id == versions.c.campaign_id, same)


def _hit(row: Row[Any], last: str) -> Hit:
    return Hit(
        row.sample_id,
        row.score,
        row.number,
        row.cluster,
        Element(row.seed_sample_id, row.seed_number),
        version=row.version,
        run_id=row.run_id,
        status=row.status,
        accepted=row.accepted,
        current=row.corpus == last,
    )
