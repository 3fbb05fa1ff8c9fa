"""The campaign store, by hand; every test on SQLite and on a real PostgreSQL server."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import get_args

import numpy as np
import postgres_server
import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from campaign_store import FIRST, SPACE, begun, clusters, found, listed, place_for, seeds, statuses
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from selectlab.campaigns import ranges
from selectlab.campaigns.records import Found
from selectlab.campaigns.statuses import STATUSES, Standing, Status
from selectlab.campaigns.store import Store
from selectlab.campaigns.store import store as store_module
from selectlab.corpus.spaces import Element, Space
from selectlab.errors import ConfigError, DataError, SelectlabError
from selectlab.store.campaign_tables import versions as versions_table
from selectlab.store.columns import REVISION_TABLE
from selectlab.store.database import Database
from selectlab.store.ledger_tables import METADATA
from selectlab.store.places import Place
from selectlab.store.revisions import MIGRATIONS, migrate, revision

KINDS = ["sqlite", "postgresql"]
NOON = datetime(2026, 3, 1, 12, tzinfo=timezone.utc)
SHARED = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)


@pytest.fixture(scope="module")
def server() -> Iterator[postgres_server.Server]:
    with postgres_server.running() as running:
        yield running


@pytest.fixture(params=KINDS)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return place_for(request.param, tmp_path, request)


@pytest.fixture
def store(place: str) -> Iterator[Store]:
    with Store.open(place) as opened:
        yield opened


def line(error: pytest.ExceptionInfo[SelectlabError]) -> str:
    text = str(error.value)
    assert "\n" not in text
    return text


# Opening and migrations


def test_the_migrations_make_the_tables_that_the_code_knows(place: str) -> None:
    """From nothing, and again: the second time there is nothing left to do."""
    for _ in range(2):
        Store.open(place).close()
    database = Database(Place.of(place))
    with database.reading() as connection:
        options = {"version_table": REVISION_TABLE, "compare_type": True}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, METADATA) == []
        found_tables = sa.inspect(connection).get_table_names()
        assert set(found_tables) == {*METADATA.tables, REVISION_TABLE}
        for table in METADATA.tables:
            checks = sa.inspect(connection).get_check_constraints(table)
            known = METADATA.tables[table].constraints
            assert {c["name"] for c in checks} == {
                c.name for c in known if isinstance(c, sa.CheckConstraint)
            }
    database.close()


def test_threads_may_open_stores_at_once(tmp_path: Path) -> None:
    """Alembic holds in the process what it works on: one thread would take another's."""

    def opened(number: int) -> int:
        place = tmp_path / ("same" if number % 2 else str(number)) / "store.db"
        with Store.open(place, read_only=number % 3 == 0) as store:
            return len(store.campaigns())

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(opened, range(24))) == [0] * 24


def longer(folder: Path) -> Path:
    """Our migrations and one that a later version might bring."""
    to = folder / "migrations"
    shutil.copytree(MIGRATIONS, to, ignore=shutil.ignore_patterns("__pycache__"))
    later = (
        "import sqlalchemy as sa\nfrom alembic import op\n"
        "revision, down_revision = '0004', '0003'\n"
        "def upgrade():\n    op.add_column('campaigns', sa.Column('owner', sa.String))\n"
    )
    (to / "versions" / "owners.py").write_text(later, encoding="utf-8")
    return to


def test_an_older_store_is_brought_up_to_date_and_a_newer_one_is_refused(
    place: str, tmp_path: Path
) -> None:
    """Who only reads an older file reads a copy that is up to date; a server has to be written."""
    with Store.open(place) as store:
        begun(store)
    later = longer(tmp_path)
    watching = Database(Place.of(place), read_only=True)
    if watching.shared:
        with pytest.raises(DataError) as error:
            migrate(watching, later)
        assert line(error) == (
            f"store {Place.of(place)}: written by an older selectlab; open it for writing once to "
            "bring it up to date"
        )
    else:
        before = Path(place).read_bytes()
        migrate(watching, later)
        with watching.reading() as connection:
            assert revision(connection) == "0004"
        assert Path(place).read_bytes() == before
    watching.close()
    writing = Database(Place.of(place))
    migrate(writing, later)
    migrate(writing, later)
    with writing.reading() as connection:
        assert revision(connection) == "0004"
        assert connection.exec_driver_sql("SELECT name, owner FROM campaigns").all() == [
            ("rain", None)
        ]
    writing.close()
    for read_only in (False, True):
        with pytest.raises(DataError) as error:
            Store.open(place, read_only=read_only)
        assert line(error) == (
            f"store {Place.of(place)}: written by a newer selectlab (its revision '0004' is not "
            "known here); install that version"
        )


def test_open_to_read_changes_nothing(place: str, tmp_path: Path) -> None:
    def everything() -> list[tuple[str, float]]:
        return [(str(p), p.is_file() and p.stat().st_mtime_ns) for p in sorted(tmp_path.rglob("*"))]

    before = everything()
    with Store.open(place, read_only=True) as store:
        assert store.campaigns() == []
        with pytest.raises(DataError, match="there is none of this name; there are no campaigns"):
            store.campaign("rain")
        with pytest.raises(DataError) as error:
            store.create("rain", seeds("seed a"))
    assert line(error) == f"store {Place.of(place)}: opened for reading, cannot be changed"
    assert everything() == before
    with Store.open(place) as store:
        run = begun(store)
        store.commit_batch(run, 0, 9, found(x=0.5))
    before = everything()
    with Store.open(place, read_only=True) as store:
        assert listed(store) == [("x", 0.5)]
        assert store.seeds("rain").digest == store.version("rain").digest
    Store.open(place).close()
    assert everything() == before


def test_one_transaction_sees_one_state(store: Store, place: str) -> None:
    run = begun(store)
    database = Database(Place.of(place))
    with database.reading() as connection:
        query = "SELECT count(*) FROM hits"
        assert connection.exec_driver_sql(query).scalar_one() == 0
        store.commit_batch(run, 0, 9, found(x=0.5))
        assert connection.exec_driver_sql(query).scalar_one() == 0
    with database.reading() as connection:
        assert connection.exec_driver_sql(query).scalar_one() == 1
    database.close()


def test_open_to_read_sees_what_is_written_meanwhile(store: Store, place: str) -> None:
    with Store.open(place, read_only=True) as watching:
        assert watching.campaigns() == []
    run = begun(store)
    with Store.open(place, read_only=True) as watching:
        store.commit_batch(run, 0, 9, found(x=0.5))
        assert listed(watching) == [("x", 0.5)]


# Campaigns, seeds, versions


def test_a_campaign_is_made_found_and_changed(store: Store) -> None:
    made = store.create("rain", seeds("seed b", "seed a"))
    assert made == store.campaign("rain")
    assert (made.name, made.space, made.threshold) == ("rain", SPACE, 0.5)
    assert (made.active, made.n_seeds, made.version) == (True, 2, 0)
    assert abs(made.created_at - datetime.now(timezone.utc)) < timedelta(minutes=5)
    assert store.set_threshold("rain", 0).threshold == 0
    assert not store.set_active("rain", False).active
    night = Space("model", 3, "object", "det", normalised=False)
    store.create("night", seeds("seed a", space=night), threshold=1)
    assert [c.name for c in store.campaigns()] == ["night", "rain"]
    assert [c.active for c in store.campaigns()] == [True, False]
    assert store.campaign("night").space == night
    assert store.set_active("rain", True).active


def test_campaigns_that_cannot_be(store: Store) -> None:
    store.create("rain", seeds("seed a"))
    with pytest.raises(DataError) as error:
        store.create("rain", seeds("seed b"))
    assert line(error) == "campaign 'rain': there is one of this name already"
    with pytest.raises(DataError) as error:
        store.campaign("rian")
    assert line(error) == "campaign 'rian': there is none of this name; did you mean 'rain'?"
    for name in ("", " ", "a\nb"):
        with pytest.raises(ConfigError) as bad:
            store.create(name, seeds("seed a"))
        assert line(bad) == f"campaign: a name has to be visible characters, got {name!r}"
    for threshold in (-0.1, 1.5, float("nan")):
        with pytest.raises(ConfigError) as bad:
            store.create("night", seeds("seed a"), threshold=threshold)
        assert line(bad) == (
            f"campaign 'night': threshold: expected a number from 0 to 1, got {threshold}"
        )
        with pytest.raises(ConfigError):
            store.set_threshold("rain", threshold)
    for call in (store.seeds, store.versions, store.commit, store.runs, store.counts, store.hits):
        with pytest.raises(DataError, match="'fog': there is none"):
            call("fog")
    assert [c.name for c in store.campaigns()] == ["rain"]
    assert store.seeds("rain").elements == (Element("seed a"),)


def test_seeds_come_and_go(store: Store) -> None:
    """Sorted as Python sorts, whatever the order they come in and the database's language."""
    names = ["b", "a", "B", "é", "a'b", "日本", "a/b.png", "%s"]
    store.create("rain", seeds(*names[:3]))
    assert store.add_seeds("rain", seeds(*names)) >= 5
    there = store.seeds("rain")
    assert [e.sample_id for e in there.elements] == sorted(names)
    assert there.digest == seeds(*names).digest
    assert store.add_seeds("rain", seeds(*names)) == 0
    assert store.remove_seeds("rain", [Element("é"), Element("b"), Element("b")]) == 2
    assert [e.sample_id for e in store.seeds("rain").elements] == sorted({*names} - {"é", "b"})
    with pytest.raises(DataError) as error:
        store.remove_seeds("rain", [Element("a"), Element("a", 1)])
    assert line(error) == "campaign 'rain': 'a', object 1, is none of its seeds"
    assert store.campaign("rain").n_seeds == 6


def test_a_seed_with_another_vector_replaces_the_old_one(store: Store) -> None:
    store.create("rain", seeds("a", "b"))
    assert store.add_seeds("rain", seeds("a", value=0.1)) == 1
    np.testing.assert_array_equal(
        store.seeds("rain").vectors, np.float32([[0, 0.1, 0.1], [1, 0.25, 0.25]])
    )


def test_seeds_of_another_space_are_refused(store: Store) -> None:
    store.create("rain", seeds("a"))
    with pytest.raises(DataError) as error:
        store.add_seeds("rain", seeds("b", space=Space("model", 4, "frame")))
    assert line(error).startswith("campaign 'rain': 4 dimensions, expected 3")
    assert store.campaign("rain").n_seeds == 1


def test_versions_are_snapshots(store: Store) -> None:
    """Numbers of the clusters: radii 1 and 2 for two seeds; later seeds do not touch version 1."""
    store.create("rain", seeds("a", "b"))
    first = store.commit("rain", clusters)
    assert (first.number, first.n_seeds, first.campaign) == (1, 2, "rain")
    assert store.commit("rain", clusters) == first
    store.add_seeds("rain", seeds("a", "b", "c"))
    second = store.commit("rain", clusters)
    assert (second.number, second.n_seeds) == (2, 3)
    store.remove_seeds("rain", [Element("c")])
    third = store.commit("rain", clusters)
    assert third.number == 3
    assert third.digest == first.digest != second.digest
    assert store.versions("rain") == [first, second, third]
    assert store.version("rain") == third
    assert store.version("rain", 2) == second
    kept, its_clusters = store.snapshot(first)
    assert kept.digest == first.digest == seeds("a", "b").digest
    assert kept.elements == (Element("a"), Element("b"))
    assert kept.space == SPACE
    assert kept.vectors.dtype == np.float32
    np.testing.assert_array_equal(kept.vectors, seeds("a", "b").vectors)
    np.testing.assert_array_equal(its_clusters.radii, [1, 2])
    np.testing.assert_array_equal(its_clusters.labels, [0, 1])
    np.testing.assert_array_equal(its_clusters.centres, kept.vectors.astype(np.float64))
    assert its_clusters.centres.dtype == its_clusters.radii.dtype == np.float64


def test_versions_that_cannot_be(store: Store) -> None:
    store.create("rain", seeds("a"))
    with pytest.raises(DataError) as error:
        store.version("rain")
    assert line(error) == "campaign 'rain': no version 0; there are none yet"
    store.commit("rain")
    with pytest.raises(DataError) as error:
        store.version("rain", 3)
    assert line(error) == "campaign 'rain': no version 3; there are 1 to 1"
    with pytest.raises(DataError, match="no version 0; there are 1 to 1"):
        store.hits("rain", version=0)
    store.remove_seeds("rain", [Element("a")])
    with pytest.raises(DataError) as error:
        store.commit("rain")
    assert line(error) == "campaign 'rain': has no seeds to commit; add some first"


def test_a_version_that_somebody_changed_is_not_used(store: Store, place: str) -> None:
    store.create("rain", seeds("a"), clusters(seeds("a").vectors))
    database = Database(Place.of(place))
    with database.writing() as connection:
        connection.execute(sa.update(versions_table).values(vectors=b"\0" * 12))
    database.close()
    with pytest.raises(DataError) as error:
        store.snapshot(store.version("rain"))
    assert line(error) == (
        "campaign 'rain': version 1 is not what was committed: its seeds do not have its digest"
    )


def test_a_commit_is_of_what_is_there_when_it_is_written(store: Store, place: str) -> None:
    """Somebody adds a seed while the clusters of the first two are computed."""
    store.create("rain", seeds("a", "b"))
    sizes = []

    def slow(vectors: np.ndarray) -> object:
        sizes.append(len(vectors))
        if len(sizes) == 1:
            with Store.open(place) as other:
                other.add_seeds("rain", seeds("a", "b", "c"))
                assert other.commit("rain", clusters).number == 1
        return clusters(vectors)

    version = store.commit("rain", slow)
    assert sizes == [2, 3]
    assert (version.number, version.n_seeds) == (1, 3)
    assert len(store.versions("rain")) == 1


# Batches and hits


def test_a_batch_is_committed_once(store: Store) -> None:
    """10 rows with 3 samples: repeating them adds nothing, anywhere."""
    run = begun(store)
    version = store.version("rain")
    assert store.rate(version) == 0
    assert store.commit_batch(run, 0, 10, found(x=0.5, y=0.75, z=0.5)) == 3
    for _ in range(2):
        expected = [("y", 0.75), ("x", 0.5), ("z", 0.5)]
        assert listed(store) == listed(store, version=1) == expected
        assert store.counts("rain") == {"new": 3, "accepted": 0, "discarded": 0, "exported": 0}
        assert store.rate(version) == 0.3
        assert (store.n_processed(version), store.n_collected(version)) == (10, 3)
        assert (store.run(run.id).n_processed, store.run(run.id).n_collected) == (10, 3)
        assert store.processed(version, "all", 0.5) == [(0, 10)]
        assert store.commit_batch(run, 0, 10, found(z=0.5, y=0.75, x=0.5)) == 0
    other = store.start_run(version, "all", 0.5)
    assert store.commit_batch(other, 0, 10, found(x=0.5, y=0.75, z=0.5)) == 0
    ended = store.finish_run(other)
    assert (ended.n_processed, ended.n_collected) == (0, 0)
    hit = next(store.hits("rain"))
    assert (hit.version, hit.run_id, hit.status, hit.accepted) == (1, run.id, "new", False)
    assert (hit.number, hit.cluster, hit.seed) == (0, 0, FIRST)


def test_overlapping_batches_count_every_row_once(store: Store) -> None:
    """Rows 0-9, 5-14 and 30-39: 25 distinct ones; 7 hits of which "x" comes twice."""
    run = begun(store)
    version = store.version("rain")
    store.commit_batch(run, 0, 10, found(x=0.9, y=0.8))
    store.commit_batch(run, 5, 15, found(x=0.9, z=0.7))
    store.commit_batch(run, 30, 40, found(p=1.0, q=0.5, r=0.6, s=0.6))
    assert store.processed(version, "all", 0.5) == [(0, 15), (30, 40)]
    assert store.processed(version, "another", 0.5) == []
    assert store.n_processed(version) == store.run(run.id).n_processed == 25
    assert store.n_collected(version) == 7
    assert store.rate(version) == 7 / 25
    assert [name for name, _ in listed(store)] == ["p", "x", "y", "z", "r", "s", "q"]


def test_each_corpus_counts_for_itself(store: Store) -> None:
    """Corpus "all" has 10 rows and 2 hits; "anew" has 4 rows, and 2 hits of which one is known."""
    run = begun(store)
    version = store.version("rain")
    store.commit_batch(run, 0, 10, found(x=0.9, y=0.5))
    anew = store.start_run(version, "anew", 0.5)
    assert [hit.current for hit in store.hits("rain")] == [True, True]
    assert store.commit_batch(anew, 0, 4, found(y=0.75, z=0.6)) == 1
    assert (store.n_processed(version, "all"), store.n_collected(version, "all")) == (10, 2)
    assert (store.n_processed(version), store.n_collected(version)) == (4, 2)
    assert (store.rate(version, "all"), store.rate(version)) == (0.2, 0.5)
    now = [(hit.sample_id, hit.score, hit.current) for hit in store.hits("rain")]
    assert now == [("x", 0.9, False), ("y", 0.75, True), ("z", 0.6, True)]
    assert now == [(h.sample_id, h.score, h.current) for h in store.hits("rain", version=1)]
    assert [hit.sample_id for hit in store.hits("rain", current=True)] == ["y", "z"]
    earlier = [(hit.sample_id, hit.score) for hit in store.hits("rain", corpus="all")]
    assert earlier == [("x", 0.9), ("y", 0.5)]
    assert store.run(anew.id).n_collected == 1
    store.set_status("rain", ["z"], "discarded")
    third = store.start_run(version, "third", 0.5)
    assert store.commit_batch(third, 0, 4, found(x=0.5, z=0.9)) == 0
    assert [(h.sample_id, h.score, h.current) for h in store.hits("rain")] == [
        ("y", 0.75, False),
        ("z", 0.6, False),
        ("x", 0.5, True),
    ]
    assert store.counts("rain")["discarded"] == 1


def test_hits_of_before_belong_to_the_corpus_of_their_run(place: str) -> None:
    """A store of before hits had one; and back, each sample as the last run found it."""
    with Store.open(place) as store:
        run = begun(store)
        store.commit_batch(run, 0, 10, found(x=0.9, y=0.5))
        anew = store.start_run(store.version("rain"), "anew", 0.5)
        store.commit_batch(anew, 0, 10, found(y=0.75, z=0.6))
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    database = Database(Place.of(place))
    with database.changing_tables() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0002")
    with database.reading() as connection:
        query = "SELECT sample_id, score FROM hits ORDER BY sample_id"
        assert connection.exec_driver_sql(query).all() == [("x", 0.9), ("y", 0.75), ("z", 0.6)]
    if not database.shared:
        with Store.open(place, read_only=True) as store:
            assert listed(store) == [("x", 0.9), ("y", 0.75), ("z", 0.6)]
        with database.reading() as connection:
            assert revision(connection) == "0002"
    database.close()
    with Store.open(place) as store:
        held = [(hit.sample_id, hit.current) for hit in store.hits("rain")]
        assert held == [("x", False), ("y", True), ("z", True)]
        assert [h.sample_id for h in store.hits("rain", corpus="all")] == ["x"]


def test_a_lower_threshold_is_another_pass(store: Store) -> None:
    """What 0.5 has done is not done at 0.25; the version has seen the rows, the run has not."""
    run = begun(store)
    version = store.version("rain")
    store.commit_batch(run, 0, 10, found(x=0.9))
    assert store.processed(version, "all", 0.5) == [(0, 10)]
    assert store.processed(version, "all", 0.75) == [(0, 10)]
    assert store.processed(version, "all", 0.25) == []
    low = store.start_run(version, "all", 0.25)
    assert store.commit_batch(low, 0, 4, found(w=0.25, x=0.9)) == 1
    assert store.processed(version, "all", 0.25) == [(0, 4)]
    assert store.run(low.id).n_processed == 4
    assert store.n_processed(version) == 10
    high = store.start_run(version, "all", 0.75)
    store.commit_batch(high, 0, 10, found(x=0.9))
    assert store.run(high.id).n_processed == 0
    assert [name for name, _ in listed(store)] == ["x", "w"]


def test_rows_are_done_at_the_threshold_that_a_batch_names(store: Store) -> None:
    run = begun(store)
    store.commit_batch(run, 0, 10, found(x=0.9), threshold=0.8)
    assert store.processed(store.version("rain"), "all", 0.5) == []
    assert store.processed(store.version("rain"), "all", 0.8) == [(0, 10)]


def test_what_is_no_batch(store: Store) -> None:
    run = begun(store)
    with pytest.raises(ValueError, match="hits below"):
        store.commit_batch(run, 0, 10, found(x=0.5, y=0.49))
    for start, stop in ((3, 3), (4, 3), (-1, 3)):
        with pytest.raises(ValueError, match="empty"):
            store.commit_batch(run, start, stop, [])
    assert listed(store) == []
    assert store.commit_batch(run, 0, 10, []) == 0
    assert store.rate(store.version("rain")) == 0


def test_samples_are_counted_where_they_are_met_first(store: Store) -> None:
    """Objects: rows 0-5 are those of samples that begin at 0, 2 and 5; a sixth row is p's again."""
    run = begun(store)
    version = store.version("rain")
    for _ in range(2):
        store.commit_batch(run, 0, 4, found(p=0.9), first_rows=[0, 2])
        store.commit_batch(run, 4, 7, found(p=0.6, q=0.7), first_rows=np.array([5]))
    assert store.n_processed(version) == store.run(run.id).n_processed == 3
    assert store.rate(version) == 2 / 3
    store.commit_batch(run, 7, 12, found(a=1.0, b=1.0, c=1.0), first_rows=[])
    assert store.rate(version) == 1


def test_the_best_element_stays_whatever_comes_first(store: Store) -> None:
    """Sample p has elements 7 (0.8), 3 (0.9), 5 (0.9): 3 is the best, by its lower number."""
    elements = [
        Found("p", 0.8, 7, 0, FIRST),
        Found("p", 0.9, 5, 1, Element("seed b", 2)),
        Found("p", 0.9, 3, 2, Element("seed c", 4)),
    ]
    for k, order in enumerate(([0, 1, 2], [2, 1, 0], [1, 2, 0])):
        run = begun(store, f"apart {k}")
        for row, element in enumerate(order):
            store.commit_batch(run, row, row + 1, [elements[element]])
        together = begun(store, f"together {k}")
        assert store.commit_batch(together, 0, 3, [elements[e] for e in order]) == 1
        for one in (run, together):
            name = store.version(f"{'apart' if one is run else 'together'} {k}").campaign
            [hit] = store.hits(name)
            assert (hit.score, hit.number, hit.cluster) == (0.9, 3, 2)
            assert (hit.seed, hit.run_id) == (Element("seed c", 4), one.id)
            assert store.run(one.id).n_collected == 1


def test_discarded_samples_never_come_back(store: Store) -> None:
    """Neither in the same version, nor in a later one; what was accepted or exported stays so."""
    run = begun(store)
    store.commit_batch(run, 0, 10, found(bad=0.9, good=0.8, sent=0.7, new=0.6))
    for name, status in (("bad", "discarded"), ("good", "accepted"), ("sent", "exported")):
        assert store.set_status("rain", [name], status) == 1
    stands = {"bad": "discarded", "good": "accepted", "sent": "exported", "new": "new"}
    assert store.commit_batch(run, 0, 10, found(bad=0.95, good=0.8)) == 0
    assert statuses(store) == stands
    store.add_seeds("rain", seeds("seed a", "seed b", "good"))
    version = store.commit("rain", clusters)
    again = store.start_run(version, "all", 0.5)
    scores = found(bad=1.0, good=0.5, sent=0.55, new=0.9, fresh=0.8)
    assert store.commit_batch(again, 0, 10, scores) == 4
    assert listed(store, version=2) == [("new", 0.9), ("fresh", 0.8), ("sent", 0.55), ("good", 0.5)]
    assert statuses(store) == {**stands, "fresh": "new"}
    assert {s.sample_id: s.version for s in store.samples("rain")} == {
        **dict.fromkeys(stands, 1),
        "fresh": 2,
    }
    newest = [(hit.sample_id, hit.version) for hit in store.hits("rain")]
    assert newest == [("bad", 1), ("new", 2), ("fresh", 2), ("sent", 2), ("good", 2)]
    old = [(hit.sample_id, hit.score, hit.status) for hit in store.hits("rain", version=1)]
    assert old[1] == ("good", 0.8, "accepted")
    assert store.rate(version) == 0.4


def test_campaigns_do_not_touch_each_other(store: Store) -> None:
    rain, fog = begun(store, "rain"), begun(store, "fog")
    store.commit_batch(rain, 0, 10, found(x=0.9))
    store.set_status("rain", ["x"], "discarded")
    assert store.commit_batch(fog, 0, 5, found(x=0.8)) == 1
    assert statuses(store, "fog") == {"x": "new"}
    assert store.n_processed(store.version("fog")) == 5
    assert [run.id for run in store.runs("fog")] == [fog.id]
    store.add_seeds("fog", seeds("more"))
    store.commit("fog", clusters)
    store.create("fog 2", seeds("a"), clusters(seeds("a").vectors))
    store.commit_batch(store.start_run(store.version("fog 2"), "all", 0.5), 0, 1, found(x=1.0))
    assert listed(store, "fog") == [("x", 0.8)]


def test_hits_come_in_pages_and_by_status(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many ties: equal scores come by sample id, upper case first, as Python sorts."""
    run = begun(store)
    scores = {f"{letter}{k}": (5 + k % 3) / 10 for k in range(5) for letter in "bBaé"}
    store.commit_batch(run, 0, 20, found(**scores))
    expected = sorted(scores.items(), key=lambda pair: (-pair[1], pair[0]))
    ids = [name for name, _ in expected]
    store.set_status("rain", ids[::2], "accepted")
    store.set_status("rain", ids[1::4], "exported")
    for page in (1, 2, 3, 19, 20, 21):
        monkeypatch.setattr(store_module, "PAGE", page)
        for version in (None, 1):
            assert listed(store, version=version) == expected
        assert [h.sample_id for h in store.hits("rain", statuses=["accepted"])] == ids[::2]
        few = store.hits("rain", statuses=["new", "exported"], limit=7)
        assert [h.sample_id for h in few] == ids[1::2][:7]
        assert [s.sample_id for s in store.samples("rain")] == sorted(ids)
        accepted = store.samples("rain", statuses=["accepted"], accepted=True)
        assert [s.sample_id for s in accepted] == sorted(ids[::2])
        assert not list(store.samples("rain", statuses=["accepted"], accepted=False))
    assert list(store.hits("rain", limit=0)) == []
    with pytest.raises(ConfigError) as error:
        store.hits("rain", statuses=["acepted"])
    assert line(error) == "status: nothing is called 'acepted'; did you mean 'accepted'?"


def test_more_hits_than_a_statement_takes_values(store: Store) -> None:
    """45,000 samples, in one batch, judged in one call, listed page by page."""
    run = begun(store)
    scores = {f"{k:06d}": 0.5 + (k * 7919 % 45_000) / 90_000 for k in range(45_000)}
    assert store.commit_batch(run, 0, 45_000, found(**scores)) == 45_000
    assert store.commit_batch(run, 0, 45_000, found(**scores)) == 0
    expected = sorted(scores.items(), key=lambda pair: (-pair[1], pair[0]))
    assert listed(store) == expected
    assert store.set_status("rain", scores, "accepted") == 45_000
    assert len(store.standings("rain", scores)) == 45_000
    assert store.counts("rain")["accepted"] == 45_000


@given(data=st.data())
@SHARED
def test_any_batches_in_any_order_give_what_one_gives(store: Store, data: st.DataObject) -> None:
    """Rows of samples in any order, batches that overlap and repeat, two thresholds, two runs."""
    levels = st.sampled_from([0.2, 0.5, 0.7, 0.9])
    rows = data.draw(st.lists(st.tuples(st.sampled_from("pqrstu"), levels), min_size=1, max_size=9))
    elements = [Found(s, score, k % 4, k, FIRST) for k, (s, score) in enumerate(rows)]
    n = len(rows)
    bounds = st.tuples(st.integers(0, n), st.integers(0, n)).filter(lambda b: b[0] < b[1])
    batches = data.draw(st.lists(st.tuples(bounds, st.sampled_from([0.5, 0.7])), max_size=6))
    name = f"campaign {len(store.campaigns())}"
    first = begun(store, name)
    version = store.version(name)
    runs = [first, store.start_run(version, "all", 0.5)]
    wanted: dict[str, Found] = {}
    for k, ((start, stop), threshold) in enumerate(batches):
        part = [e for e in elements[start:stop] if e.score >= threshold]
        store.commit_batch(runs[k % 2], start, stop, part, threshold=threshold)
        for e in part:
            rank = min((-o.score, o.number, o.cluster) for o in (e, wanted.get(e.sample_id, e)))
            wanted[e.sample_id] = Found(e.sample_id, -rank[0], rank[1], rank[2], FIRST)
    hits = {h.sample_id: (h.score, h.number, h.cluster) for h in store.hits(name)}
    assert hits == {s: (e.score, e.number, e.cluster) for s, e in wanted.items()}
    seen = {row for (start, stop), _ in batches for row in range(start, stop)}
    low = {row for (start, stop), t in batches if t == 0.5 for row in range(start, stop)}
    assert store.n_processed(version) == len(seen)
    for threshold, done in ((0.7, seen), (0.5, low), (0.4, set())):
        spans = store.processed(version, "all", threshold)
        assert {row for span in spans for row in range(*span)} == done
        assert spans == ranges.merged(spans)
    assert sum(run.n_collected for run in store.runs(name)) == len(hits)
    assert 0 <= store.rate(version) <= 1


# Runs and claims


def test_runs_begin_and_end(place: str) -> None:
    times = [NOON + timedelta(minutes=m) for m in range(9)]
    clock = iter(times)
    with Store.open(place, clock=lambda: next(clock)) as store:
        run = begun(store)
        assert (run.state, run.started_at, run.finished_at) == ("running", times[1], None)
        assert (run.corpus, run.threshold, run.target, run.version) == ("all", 0.5, None, 1)
        store.commit_batch(run, 0, 10, found(x=0.5))
        assert store.run(run.id).updated_at == times[2]
        ended = store.finish_run(run)
        assert (ended.state, ended.finished_at, ended.message) == ("finished", times[3], "")
        assert (ended.n_processed, ended.n_collected) == (10, 1)
        late = store.fail_run(run, "too late")
        assert (late.state, late.finished_at, late.message) == ("finished", times[3], "")
        other = store.start_run(store.version("rain"), "all", 0.25, target=7)
        assert other.target == 7
        failed = store.fail_run(other, "the disk is full")
        assert (failed.state, failed.message) == ("failed", "the disk is full")
        assert store.runs("rain") == [late, failed]
        with pytest.raises(ConfigError, match=r"threshold: expected a number from 0 to 1, got 2"):
            store.start_run(store.version("rain"), "all", 2)


def test_two_runs_share_the_work(place: str) -> None:
    """A claim holds for 60 s, or until the rows are committed or the run has ended."""
    now = NOON
    with Store.open(place, clock=lambda: now) as store:
        one = begun(store)
        two = store.start_run(store.version("rain"), "all", 0.5)
        elsewhere = store.start_run(store.version("rain"), "another", 0.5)
        assert store.claim(one, 0, 10)
        assert store.claim(one, 0, 10)
        assert not store.claim(two, 0, 10)
        assert not store.claim(two, 9, 12)
        assert store.claim(two, 10, 20)
        assert store.claim(elsewhere, 0, 10)
        now += timedelta(seconds=59)
        assert not store.claim(two, 0, 10)
        now += timedelta(seconds=1)
        assert store.claim(two, 0, 10)
        assert not store.claim(one, 0, 10)
        store.commit_batch(one, 0, 10, found(x=0.5))
        assert not store.claim(two, 0, 10)
        assert store.claim(two, 0, 12)
        low = store.start_run(store.version("rain"), "all", 0.25)
        assert not store.claim(low, 0, 10)
        store.finish_run(two)
        assert store.claim(low, 0, 10)
        assert store.claim(low, 5, 20, seconds=1)


def n_claims(place: str) -> int:
    database = Database(Place.of(place))
    with database.reading() as connection:
        found = connection.exec_driver_sql("SELECT count(*) FROM claims").scalar_one()
    database.close()
    return int(found)


def test_claims_of_killed_runs_go(place: str) -> None:
    """When another run is through, or with the next run after they have expired."""
    now = NOON
    with Store.open(place, clock=lambda: now) as store:
        killed = begun(store)
        version = store.version("rain")
        store.claim(killed, 0, 10)
        store.claim(killed, 10, 20)
        lower = store.start_run(version, "all", 0.25)
        store.claim(lower, 20, 30)
        second = store.start_run(version, "all", 0.5)
        store.fail_run(second, "stopped")
        assert n_claims(place) == 3
        store.finish_run(store.start_run(version, "all", 0.5))
        assert n_claims(place) == 1  # of the one that is at a lower threshold
        now += timedelta(seconds=60)
        third = store.start_run(version, "all", 0.5)
        assert n_claims(place) == 0
        store.claim(lower, 30, 40)
        now += timedelta(seconds=60)
        store.fail_run(third, "stopped")
        assert n_claims(place) == 0


# Statuses


def test_statuses_by_hand(store: Store) -> None:
    store.commit_batch(begun(store), 0, 9, found(a=0.9, b=0.8, c=0.7, d=0.6))
    assert store.set_status("rain", ["a", "b", "a"], "accepted") == 2
    assert store.set_status("rain", iter(["a", "b"]), "accepted") == 0
    assert store.set_status("rain", ["c"], "discarded") == 1
    assert store.set_status("rain", ["a", "d"], "exported") == 2
    assert store.counts("rain") == {"new": 0, "accepted": 1, "discarded": 1, "exported": 2}
    assert store.standings("rain", ["a", "b", "c", "d", "nobody"]) == {
        "a": Standing("exported", True),
        "b": Standing("accepted", True),
        "c": Standing("discarded", False),
        "d": Standing("exported", False),
    }
    assert [s.sample_id for s in store.samples("rain", accepted=True)] == ["a", "b"]
    with pytest.raises(DataError) as error:
        store.set_status("rain", ["b", "c"], "exported")
    assert line(error) == (
        "campaign 'rain': 'c' is discarded and cannot become exported; accept it first"
    )
    with pytest.raises(DataError) as error:
        store.set_status("rain", ["b"], "new")
    assert line(error) == "campaign 'rain': 'b' is accepted and cannot become new"
    with pytest.raises(DataError) as error:
        store.set_status("rain", ["b", "x", "y"], "discarded")
    assert line(error) == "campaign 'rain': not collected: 2 of 3 samples, first 'x'"
    with pytest.raises(ConfigError, match="nothing is called 'gone'; known: "):
        store.set_status("rain", ["b"], "gone")
    assert statuses(store) == {"a": "exported", "b": "accepted", "c": "discarded", "d": "exported"}
    assert store.set_status("rain", [], "accepted") == 0


@pytest.mark.parametrize("status", get_args(Status))
def test_every_way_a_status_may_change(status: Status) -> None:
    """Nothing becomes new again; only what is not discarded is exported; yes is yes until no."""
    for accepted in (False, True):
        standing = Standing(status, accepted)
        assert standing.then("new") == (standing if status == "new" else None)
        assert standing.then("discarded") == Standing("discarded", False)
        exported = None if status == "discarded" else Standing("exported", accepted)
        assert standing.then("exported") == exported
        stays = "exported" if status == "exported" else "accepted"
        assert standing.then("accepted") == Standing(stays, True)


@given(steps=st.lists(st.tuples(st.sets(st.sampled_from("abcd")), st.sampled_from(STATUSES))))
@SHARED
def test_statuses_are_all_or_nothing(store: Store, steps: list[tuple[set[str], Status]]) -> None:
    name = f"campaign {len(store.campaigns())}"
    store.commit_batch(begun(store, name), 0, 9, found(a=0.9, b=0.8, c=0.7, d=0.6))
    stands = dict.fromkeys("abcd", Standing("new", False))
    for ids, status in steps:
        after = {sample_id: stands[sample_id].then(status) for sample_id in ids}
        if None in after.values():
            with pytest.raises(DataError, match="cannot become"):
                store.set_status(name, ids, status)
        else:
            changed = sum(stands[sample_id] != after[sample_id] for sample_id in ids)
            assert store.set_status(name, ids, status) == changed
            stands |= {key: value for key, value in after.items() if value}
    assert store.standings(name, "abcd") == stands
    counts = store.counts(name)
    assert sum(counts.values()) == 4
    assert all(counts[s] == sum(x.status == s for x in stands.values()) for s in STATUSES)


# Places and errors


def test_texts_that_no_database_takes(store: Store) -> None:
    run = begun(store)
    with pytest.raises(DataError) as error:
        store.commit_batch(run, 0, 9, found(**{"broken \udc80.png": 0.9}))
    assert ": not valid Unicode: '" in line(error)
    assert "broken \\udc80.png" in line(error)
    assert listed(store) == []


@pytest.mark.parametrize(
    ("given_place", "message"),
    [
        ("mysql://me:hush@db/x", "store: {}, got mysql://..."),
        ("sqlite://", "store: {}, got sqlite://..."),
        ("sqlite:///:memory:", "store: {}, got sqlite://..."),
        (
            "postgresql://me:hu@sh@db/x",
            "store: postgresql://...: more than one '@'; in a password write %40",
        ),
        ("postgresql://me:hush", "store: postgresql://...: not a URL; {}"),
        ("postgresql://me:hush@db:port/x", "store: postgresql://...: not a URL; {}"),
    ],
)
def test_places_that_are_none(given_place: str, message: str) -> None:
    expected = "expected a file, sqlite:///FILE or postgresql://USER:PASSWORD@HOST/DATABASE"
    with pytest.raises(ConfigError) as error:
        Store.open(given_place)
    assert line(error) == message.format(expected)
    assert "hush" not in line(error)
    assert error.value.__cause__ is None


def test_files_that_are_no_store(tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("not a database, but longer than its header would have to be " * 40)
    with pytest.raises(DataError) as error:
        Store.open(text)
    assert line(error) == f"store {text}: file is not a database"
    with pytest.raises(DataError) as error:
        Store.open(tmp_path)
    assert line(error) == f"store {tmp_path}: unable to open database file"
    with pytest.raises(DataError) as error:
        Store.open(text / "campaigns.db")
    assert line(error).startswith(f"store {text / 'campaigns.db'}: ")


def test_a_database_on_a_server_may_be_shared(server: postgres_server.Server) -> None:
    """Tables of others are none of our business there."""
    place = server.database()
    database = Database(Place.of(place))
    with database.writing() as connection:
        connection.exec_driver_sql("CREATE TABLE foo (bar integer)")
    database.close()
    with Store.open(place, read_only=True) as store:
        assert store.campaigns() == []
    with Store.open(place) as store:
        begun(store)
        assert store.campaign("rain").n_seeds == 2


@pytest.mark.parametrize("name", ["a b.db", "50%.db", "why?.db", "a#b.db", "é.db"])
def test_files_of_any_name(tmp_path: Path, name: str) -> None:
    for place in (tmp_path / name, str(tmp_path / "s" / name)):
        with Store.open(place) as store:
            begun(store)
        assert Path(place).is_file()
        with Store.open(place, read_only=True) as store:
            assert store.campaign("rain").n_seeds == 2
    with Store.open(f"sqlite:///{tmp_path / 'url.db'}"):
        assert (tmp_path / "url.db").is_file()


@pytest.mark.parametrize(
    ("missing", "place", "message"),
    [
        (
            "alembic",
            "campaigns.db",
            "campaigns and rounds: need SQLAlchemy and alembic; install them with: pip install "
            "'selectlab[campaigns]'",
        ),
        (
            "psycopg",
            "postgresql://me:hush@db/x",
            "store postgresql://me@db/x: PostgreSQL needs psycopg; install it with: pip install "
            "'selectlab[postgres]'",
        ),
    ],
)
def test_a_missing_extra_is_one_line(missing: str, place: str, message: str) -> None:
    program = (
        f"import sys; sys.modules[{missing!r}] = None\n"
        "from selectlab.errors import MissingExtraError\n"
        "try:\n"
        "    from selectlab.campaigns.store import Store\n"
        f"    Store.open({place!r})\n"
        "except MissingExtraError as error:\n    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, env=os.environ
    )
    assert (done.stdout.strip(), done.stderr) == (message, "")


def test_many_processes_open_a_new_store_at_once(place: str) -> None:
    program = (
        "import sys; from selectlab.campaigns.store import Store\n"
        "sys.stdin.readline()\n"
        f"with Store.open({place!r}) as store: print(len(store.campaigns()))\n"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", program],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    assert [process.communicate(timeout=240) for process in processes] == [("0\n", "")] * 4
