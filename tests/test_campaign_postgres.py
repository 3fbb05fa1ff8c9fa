"""Campaigns on a real PostgreSQL server: what a team's database brings that a file does not."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import postgres_server
import psycopg
import pytest
from campaign_store import begun, found, listed, seeds

from selectlab.campaigns.statuses import Standing
from selectlab.campaigns.store import Store
from selectlab.errors import DataError
from selectlab.store.columns import REVISION_TABLE
from selectlab.store.ledger_tables import METADATA


@pytest.fixture(scope="module")
def server() -> Iterator[postgres_server.Server]:
    with postgres_server.running() as running:
        yield running


def failure(place: str, *, read_only: bool = False) -> str:
    with pytest.raises(DataError) as error, Store.open(place, read_only=read_only):
        pass
    text = str(error.value)
    assert "\n" not in text
    for secret in (postgres_server.PASSWORD, postgres_server.QUOTED, "wr0ng"):
        assert secret not in text
        assert secret not in repr(error.value.__cause__)
    return text


def test_what_a_server_refuses_is_one_line_without_the_password(
    server: postgres_server.Server,
) -> None:
    name = f"store postgresql://team@127.0.0.1:{server.port}"
    wrong = failure(server.url("postgres", "wr0ng"))
    assert wrong.startswith(f"{name}/postgres: connection failed: ")
    assert wrong.endswith('password authentication failed for user "team"')
    assert failure(server.url("nothing")).endswith('database "nothing" does not exist')
    assert failure(server.url("postgres", "wr0ng") + "?password=wr0ng").startswith(
        f"{name}/postgres"
    )


def test_nobody_at_the_port() -> None:
    text = failure("postgresql://team:wr0ng@127.0.0.1:1/x")
    assert text.startswith("store postgresql://team@127.0.0.1:1/x: connection failed: ")
    assert "refused" in text


@pytest.mark.parametrize("prefix", ["postgresql", "postgres", "postgresql+psycopg"])
def test_urls_of_every_spelling(server: postgres_server.Server, prefix: str) -> None:
    place = prefix + server.database().removeprefix("postgresql")
    with Store.open(place) as store:
        begun(store)
    with Store.open(place, read_only=True) as store:
        assert [campaign.name for campaign in store.campaigns()] == ["rain"]


def test_a_database_is_shared_with_other_programs(server: postgres_server.Server) -> None:
    """Another program uses alembic too: its revision is not ours."""
    place = server.database()
    with psycopg.connect(place) as connection:
        connection.execute("CREATE TABLE alembic_version (version_num VARCHAR(32))")
        connection.execute("INSERT INTO alembic_version VALUES ('theirs')")
    with Store.open(place) as store:
        begun(store)
    with psycopg.connect(place) as connection:
        assert connection.execute("SELECT * FROM alembic_version").fetchall() == [("theirs",)]
        rows = connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        ).fetchall()
    assert {name for (name,) in rows} == {*METADATA.tables, REVISION_TABLE, "alembic_version"}


def test_a_table_of_another_program_is_in_the_way(server: postgres_server.Server) -> None:
    """Nothing is left half-made: not one of our tables is there."""
    place = server.database()
    with psycopg.connect(place) as connection:
        connection.execute("CREATE TABLE samples (theirs INTEGER)")
    assert failure(place).endswith('relation "samples" already exists')
    with psycopg.connect(place) as connection:
        rows = connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        ).fetchall()
    assert rows == [("samples",)]


def test_order_is_that_of_python_in_any_language(server: postgres_server.Server) -> None:
    """A database that sorts a before B: our lists still come as Python sorts them."""
    place = server.database() + "_icu"
    with server.connected("postgres") as connection:
        if connection.info.server_version < 150_000:
            pytest.skip("no such databases before PostgreSQL 15")
        name = place.rpartition("/")[2]
        connection.execute(
            f"CREATE DATABASE \"{name}\" TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en'"
        )
    with psycopg.connect(place) as connection:
        assert connection.execute("SELECT 'a' < 'B'").fetchone() == (True,)
    names = ["a", "B", "b", "A", "é", "z"]
    with Store.open(place) as store:
        store.commit_batch(begun(store), 0, 9, found(**dict.fromkeys(names, 0.5)))
        store.add_seeds("rain", seeds(*names))
        assert [name for name, _ in listed(store)] == sorted(names)
        assert [sample.sample_id for sample in store.samples("rain")] == sorted(names)
        later = store.hits("rain", version=1)
        assert [hit.sample_id for hit in later] == sorted(names)
        seed_names = [element.sample_id for element in store.seeds("rain").elements]
        assert seed_names == sorted([*names, "seed a", "seed b"])


def test_reading_needs_no_right_to_write(server: postgres_server.Server) -> None:
    place = server.database()
    with Store.open(place) as store:
        store.commit_batch(begun(store), 0, 9, found(x=0.5))
    name = place.rpartition("/")[2]
    with psycopg.connect(place) as connection:
        connection.execute("CREATE ROLE guest LOGIN PASSWORD 'guest'")
        connection.execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO guest")
    guest = f"postgresql://guest:guest@127.0.0.1:{server.port}/{name}"
    with Store.open(guest, read_only=True) as store:
        assert listed(store) == [("x", 0.5)]
    with Store.open(guest) as store, pytest.raises(DataError) as error:
        store.set_threshold("rain", 0.25)
    assert str(error.value) == (
        f"store postgresql://guest@127.0.0.1:{server.port}/{name}: "
        "permission denied for table campaigns"
    )


def test_an_empty_database_opened_to_read_stays_empty(server: postgres_server.Server) -> None:
    place = server.database()
    with Store.open(place, read_only=True) as store:
        assert store.campaigns() == []
    with psycopg.connect(place) as connection:
        assert (
            connection.execute("SELECT * FROM pg_tables WHERE schemaname = 'public'").rowcount == 0
        )


def test_a_connection_that_broke_is_made_again(server: postgres_server.Server) -> None:
    """The server restarts, or a firewall forgets: the next call finds that out by itself."""
    place = server.database()
    with Store.open(place) as store:
        begun(store)
        with server.connected("postgres") as connection:
            name = place.rpartition("/")[2]
            ended = connection.execute(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = %s",
                [name],
            ).fetchone()
        assert ended >= (1,)
        assert store.campaign("rain").name == "rain"


def test_writers_of_one_campaign_wait_and_those_of_others_do_not(
    server: postgres_server.Server,
) -> None:
    """Another client holds the row of "rain" for as long as it likes."""
    place = server.database()
    with Store.open(place) as store, psycopg.connect(place) as other:
        rain, fog = begun(store, "rain"), begun(store, "fog")
        other.execute("SELECT 1 FROM campaigns WHERE name = 'rain' FOR NO KEY UPDATE")
        waiting = threading.Thread(target=store.commit_batch, args=(rain, 0, 9, found(x=0.5)))
        waiting.start()
        assert store.commit_batch(fog, 0, 9, found(x=0.5)) == 1
        waiting.join(0.3)
        assert waiting.is_alive()
        assert listed(store, "rain") == []
        other.commit()
        waiting.join(60)
        assert listed(store, "rain") == [("x", 0.5)]


def test_the_order_of_hits_is_the_same_everywhere(
    server: postgres_server.Server, tmp_path: Path
) -> None:
    """Of equal scores the lower id comes first, byte by byte, whatever the server's language."""
    orders = []
    for place in (server.database(), tmp_path / "campaigns.db"):
        with Store.open(place) as store:
            run = begun(store)
            names = ["b", "a", "B", "é", "Z", "a b", "_"]
            for at, name in enumerate(names):
                store.commit_batch(run, at, at + 1, found(**{name: 0.5 + 0.1 * (at % 2)}))
            store.set_status("rain", ["a", "Z"], "accepted")
            assert store.ranking("rain") == [hit.sample_id for hit in store.hits("rain")]
            some = [hit.sample_id for hit in store.hits("rain", ids=["a", "é", "none"])]
            assert (some, store.sample_ids("rain", accepted=True)) == (["a", "é"], {"a", "Z"})
            before, after = store.standings("rain", ["a"]), {"a": Standing("new", False)}
            store.restore("rain", after, before)
            assert store.standings("rain", ["a"]) == after
            orders.append(store.ranking("rain"))
    assert orders[0] == orders[1]
