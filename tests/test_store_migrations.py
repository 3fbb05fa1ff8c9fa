"""A store of before there were rounds: read as it is, brought up to date when it is written."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import postgres_server
import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from campaign_store import begun, found, listed, place_for

from selectlab.campaigns.store import Store
from selectlab.rounds.ledger import Ledger
from selectlab.rounds.presence import has_begun
from selectlab.store.database import Database
from selectlab.store.ledger_tables import METADATA
from selectlab.store.places import Place
from selectlab.store.revisions import MIGRATIONS, revision

LEDGER = (
    "rounds",
    "id_lists",
    "round_lists",
    "choices",
    "picks",
    "sendings",
    "sent",
    "pulls",
    "labels",
)


@pytest.fixture(scope="module")
def server() -> Iterator[postgres_server.Server]:
    with postgres_server.running() as running:
        yield running


@pytest.fixture(params=["sqlite", "postgresql"])
def old(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A store as the first revision left it, with a campaign that has collected something."""
    place = place_for(request.param, tmp_path, request)
    with Store.open(place) as store:
        store.commit_batch(begun(store), 0, 10, found(x=0.5))
    taken_back(place)
    return place


def taken_back(place: str) -> None:
    database = Database(Place.of(place))
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with database.changing_tables() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0001")
    database.close()


def state(place: str) -> tuple[str | None, set[str]]:
    database = Database(Place.of(place), read_only=True)
    with database.reading() as connection:
        import sqlalchemy as sa

        found_tables = revision(connection), set(sa.inspect(connection).get_table_names())
    database.close()
    return found_tables


def test_every_ledger_table_is_in_the_chain(old: str) -> None:
    assert set(LEDGER) <= set(METADATA.tables)
    number, tables = state(old)
    assert number == "0001"
    assert not tables & set(LEDGER)
    Ledger.open(old).close()
    number, tables = state(old)
    assert number == ScriptDirectory(str(MIGRATIONS)).get_current_head()
    assert set(LEDGER) <= tables


def test_an_old_store_is_read_as_it_is(old: str) -> None:
    """Its ledger is empty, and nothing is changed."""
    with Ledger.open(old, read_only=True) as ledger:
        assert ledger.rounds() == ledger.counts() == []
        assert ledger.chosen_ids() == ()
    assert not has_begun(old)
    assert state(old)[0] == "0001"


def test_an_old_store_is_brought_up_to_date_when_it_is_written(old: str) -> None:
    with Ledger.open(old) as ledger:
        ledger.record("a" * 16, "a", ["x"])
    assert has_begun(old)
    with Store.open(old) as store:
        assert listed(store) == [("x", 0.5)]
        assert store.commit_batch(store.runs("rain")[0], 10, 20, found(y=0.75)) == 1
