"""Reading campaigns leaves no trace, and works where nothing can be written."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from campaign_lines import LINE, line_folder, on_the_line
from campaign_store import begun, found, listed
from small_dataset import Ran, selectlab

from selectlab.campaigns import Campaigns
from selectlab.campaigns.store import Store
from selectlab.corpus import Corpus, place_of
from selectlab.errors import ConfigError, DataError
from selectlab.inputs.folder import open_dataset
from selectlab.store import read_only_file
from selectlab.store.database import Database
from selectlab.store.places import Place

READING = (
    "list",
    "show c",
    "hits c",
    "seeds list c",
    "collect --dry-run",
    "collect c --dry-run --target 2 --threshold 0.3",
    "export c OUT/todo.csv --keep-status --overwrite",
)
REFUSED = (
    "create d",
    "create d gone.png",
    "create d low.png --threshold 1.5",
    "create d@2 low.png",
    "collect",
    "threshold c 0.4",
    "activate c",
    "deactivate c",
    "commit c",
    "refine c",
    "accept c mid.png",
    "discard c mid.png",
    "seeds add c low.png",
    "seeds remove c low.png",
    "export c OUT/todo.csv",
)
KILLED = """
import os, signal, sys
from selectlab.campaigns import Campaigns

Campaigns(sys.argv[1]).set_threshold("c", 0.25)
place = sys.argv[1] + "/.selectlab/campaigns.db"
from selectlab.campaigns.store import Store

store = Store.open(place)
store.set_threshold("c", 0.3)
{then}
"""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A dataset with an index and no campaigns."""
    return line_folder(tmp_path)


@pytest.fixture
def begun_data(data: Path) -> Path:
    """One with a campaign that has collected three samples."""
    campaigns = Campaigns(data)
    campaigns.create("c", ids=["low.png", "high.png"])
    campaigns.collect()
    return data


def everything_in(folder: Path) -> dict[str, tuple[int, int, int, bytes]]:
    """All files and folders with their times, the folder itself too."""
    found = {}
    for path in (folder, *sorted(folder.rglob("*"))):
        told = path.lstat()
        content = path.read_bytes() if stat.S_ISREG(told.st_mode) else b""
        found[str(path)] = (told.st_mtime_ns, told.st_ctime_ns, told.st_ino, content)
    return found


def run(data: Path, command: str, out: Path) -> Ran:
    words = command.replace("OUT", str(out)).split()
    return selectlab("campaign", *words, "--data", data)


@pytest.fixture
def killed(begun_data: Path) -> Path:
    """A dataset whose last writer was killed: what it wrote last lies beside the store."""
    program = KILLED.format(then="os.kill(os.getpid(), signal.SIGKILL)")
    done = subprocess.run([sys.executable, "-c", program, begun_data], check=False)
    assert done.returncode == -signal.SIGKILL
    assert (begun_data / ".selectlab" / "campaigns.db-wal").stat().st_size > 0
    return begun_data


# Nothing is written


def test_what_is_read_or_refused_makes_no_folder(data: Path, tmp_path: Path) -> None:
    """Not even the dataset's .selectlab: there is no index and no store."""
    shutil.rmtree(data / ".selectlab")
    before = everything_in(data)
    assert run(data, "list", tmp_path).code == 0
    for command in (*REFUSED, "collect --dry-run", "show c", "hits c", "create d low.png"):
        assert run(data, command, tmp_path).code == 2, command
    assert selectlab("index", data, "--show").code == 2
    assert everything_in(data) == before


def test_what_is_refused_makes_no_store(data: Path, tmp_path: Path) -> None:
    before = everything_in(data)
    for command in REFUSED:
        ran = run(data, command, tmp_path)
        assert (ran.code, ran.err.count("\n")) == (2, 1), ran
        with_store = run(data, f"{command} --store OUT/new.db", tmp_path)
        assert with_store.code == 2
    assert everything_in(data) == before
    assert not (tmp_path / "new.db").exists()


@pytest.mark.parametrize("large_bytes", [read_only_file.LARGE_BYTES, 0])
@pytest.mark.parametrize("command", READING)
def test_reading_changes_no_file_and_no_time(
    command: str,
    large_bytes: int,
    begun_data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Copied, or read as it lies as a large one is."""
    monkeypatch.setattr(read_only_file, "LARGE_BYTES", large_bytes)
    before = everything_in(begun_data)
    assert run(begun_data, command, tmp_path).code == 0
    assert everything_in(begun_data) == before


def test_reading_leaves_what_a_killed_writer_left(killed: Path, tmp_path: Path) -> None:
    """All that it had committed is seen, nothing is cleaned up, and no copy stays behind."""
    before, temporary = everything_in(killed), tmp_path / "tmp"
    temporary.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(temporary))
        for command in READING:
            assert run(killed, command, tmp_path).code == 0
        [campaign] = Campaigns(killed).list()
    assert campaign.threshold == 0.3
    assert everything_in(killed) == before
    assert list(temporary.iterdir()) == []
    Campaigns(killed).deactivate("c")
    assert Campaigns(killed).list()[0].threshold == 0.3
    assert not (killed / ".selectlab" / "campaigns.db-wal").exists()


def test_a_dataset_is_copied_with_what_a_killed_writer_left(killed: Path, tmp_path: Path) -> None:
    """Without SQLite's file of shared memory, which no program copies."""
    copy = tmp_path / "copy"
    shutil.copytree(killed, copy, ignore=shutil.ignore_patterns("*-shm"))
    before = everything_in(copy)
    assert Campaigns(copy).list()[0].threshold == 0.3
    assert everything_in(copy) == before


# What others write meanwhile


def test_a_reader_sees_what_an_open_writer_has_committed(tmp_path: Path) -> None:
    place = tmp_path / "campaigns.db"
    with Store.open(place) as store:
        run = begun(store)
        with Store.open(place, read_only=True) as watching:
            assert listed(watching) == []
            for number in range(1, 4):
                store.commit_batch(run, number, number + 1, found(**{f"s{number}": 0.5}))
                before = everything_in(tmp_path)
                assert len(listed(watching)) == number
                assert everything_in(tmp_path) == before


def test_reading_beside_one_who_writes_all_the_time(tmp_path: Path) -> None:
    """Every state that is seen is whole: as many hits as processed rows, and never fewer later."""
    place = tmp_path / "campaigns.db"
    with Store.open(place) as store:
        begun(store)
    program = (
        "import sys\n"
        "from campaign_store import found\n"
        "from selectlab.campaigns.store import Store\n"
        "for number in range(60):\n"
        f"    with Store.open({str(place)!r}) as store:\n"
        "        run = store.runs('rain')[0]\n"
        "        for k in range(5):\n"
        "            row = 5 * number + k\n"
        "            store.commit_batch(run, row, row + 1, found(**{f's{row:04d}': 0.5}))\n"
    )
    path = os.pathsep.join([str(Path(__file__).parent), *filter(None, [os.getenv("PYTHONPATH")])])
    writer = subprocess.Popen(
        [sys.executable, "-c", program], env={**os.environ, "PYTHONPATH": path}
    )
    seen: list[int] = []
    while writer.poll() is None:
        with Store.open(place, read_only=True) as watching:
            version = watching.version("rain")
            seen.append(watching.n_processed(version))
            assert watching.rate(version) in (0, 1)
    assert writer.returncode == 0
    with Store.open(place, read_only=True) as watching:
        seen.append(watching.n_processed(watching.version("rain")))
    assert seen == sorted(seen)
    assert seen[-1] == 300
    assert len(set(seen)) > 3


def test_a_large_file_that_changes_while_it_is_read_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process opens the store, writes and closes it within one transaction of a reader."""
    monkeypatch.setattr(read_only_file, "LARGE_BYTES", 0)
    place = tmp_path / "campaigns.db"
    with Store.open(place) as store:
        begun(store)
    program = (
        "from selectlab.campaigns.store import Store\n"
        f"with Store.open({str(place)!r}) as store: store.set_active('rain', False)\n"
    )
    database = Database(Place.of(place), read_only=True)

    def read_slowly() -> None:
        with database.reading() as connection:
            query = "SELECT count(*) FROM campaigns"
            assert connection.exec_driver_sql(query).scalar_one() == 1
            subprocess.run([sys.executable, "-c", program], check=True)

    with pytest.raises(DataError) as error:
        read_slowly()
    assert str(error.value) == f"store {place}: was changed while it was read; run this again"
    with database.reading() as connection:
        assert connection.exec_driver_sql("SELECT active FROM campaigns").scalar_one() == 0
    database.close()


# Where nothing can be written


@pytest.fixture
def plain_user() -> list[str]:
    """What to put before a command so that it may write only what its permissions say."""
    if sys.platform == "win32":
        pytest.skip("needs POSIX permissions")
    if os.geteuid() != 0:
        return []
    if shutil.which("setpriv") is None:
        pytest.skip("root may write everything, and there is no setpriv to take that away")
    return ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all"]


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "home"
    folder.mkdir()
    yield folder
    folder.chmod(0o700)


def as_user(
    plain_user: list[str], home: Path, *arguments: object
) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if key != "XDG_CACHE_HOME"}
    command = [*plain_user, sys.executable, "-m", "selectlab", *map(str, arguments)]
    return subprocess.run(
        command,
        env={**environment, "HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def frozen(begun_data: Path) -> Iterator[Path]:
    """A dataset with a campaign that nobody can write."""
    every = (begun_data, *begun_data.rglob("*"))
    modes = {path: path.stat().st_mode for path in every}
    for path, mode in modes.items():
        path.chmod(mode & ~0o222)
    yield begun_data
    for path, mode in modes.items():
        path.chmod(mode)


def test_a_dataset_that_cannot_be_written_shows_what_it_has(
    frozen: Path, plain_user: list[str], home: Path
) -> None:
    home.chmod(0o500)
    inside = frozen / ".selectlab" / "campaigns.db"
    for where in ([], ["--store", inside]):
        dry = as_user(
            plain_user, home, "campaign", "collect", "--dry-run", "--data", frozen, *where
        )
        assert (dry.returncode, dry.stderr) == (0, "")
        assert "42.86%" in dry.stdout
    hits = as_user(plain_user, home, "campaign", "hits", "c", "--ids", "--data", frozen)
    assert hits.stdout == "mid.png\nnear.png\nedge.png\n"
    for command in (["collect"], ["create", "d", "low.png"]):
        refused = as_user(plain_user, home, "campaign", *command, "--data", frozen)
        assert (refused.returncode, refused.stdout, refused.stderr) == (
            2,
            "",
            f"error: store {inside}: cannot be written, no permission; --store FILE (store=...) "
            "names another place\n",
        )
    assert list(home.iterdir()) == []


def test_a_dataset_without_campaigns_keeps_them_in_the_cache(
    data: Path, plain_user: list[str], home: Path
) -> None:
    """The index is read where it is; the store is made in the cache, and found again there."""
    for path in (data, data / ".selectlab"):
        path.chmod(0o500)
    try:
        for command in ("create c low.png high.png", "collect", "accept c mid.png"):
            ran = as_user(plain_user, home, "campaign", *command.split(), "--data", data)
            assert (ran.returncode, ran.stderr) == (0, "")
        [store] = home.rglob("campaigns.db")
        assert store.is_relative_to(home / ".cache" / "selectlab")
    finally:
        for path in (data, data / ".selectlab"):
            path.chmod(0o700)
    listed = as_user(plain_user, home, "campaign", "list", "--data", data)
    assert "active" in listed.stdout  # also when the dataset can be written again


@pytest.mark.parametrize("mode", [0o500, 0o000])
def test_an_unwritable_home_is_one_line(
    mode: int, data: Path, plain_user: list[str], home: Path, tmp_path: Path
) -> None:
    index = tmp_path / "index"
    shutil.move(data / ".selectlab" / "corpus" / "default", index)
    shutil.rmtree(data / ".selectlab")
    data.chmod(0o500)
    home.chmod(mode)
    try:
        for command in ("campaign list", "campaign collect", "campaign create d low.png", "index"):
            *words, last = command.split()
            where = ["--data", data] if words else [data]
            ran = as_user(plain_user, home, *words, last, *where)
            assert ran.returncode == (0 if last == "list" else 2), ran
            assert ran.stderr.count("\n") == (0 if last == "list" else 1), ran.stderr
        made = ["campaign", "create", "d", "low.png", "--index", index, "--data", data]
        ran = as_user(plain_user, home, *made)
        assert ran.returncode == 2
        assert ran.stderr.startswith(f"error: store {home}/.cache/selectlab/")
        assert ran.stderr.endswith("; --store FILE (store=...) names another place\n")
        assert ran.stderr.count("\n") == 1
        made += ["--store", tmp_path / "elsewhere.db"]
        assert as_user(plain_user, home, *made).returncode == 0
    finally:
        data.chmod(0o700)


def test_of_two_places_the_dataset_comes_first(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What lies in the cache counts where the dataset has none of it, and no longer."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    inside = data / ".selectlab"
    (data / ".aside").mkdir()
    shutil.move(inside, data / ".aside" / "kept")
    inside.write_text("a file, so that there can be no such folder")
    dataset = open_dataset(data)
    corpus = Corpus.build(dataset, normalise=False)
    cached = Path(dataset.source.cache_folder())
    assert corpus.folder == cached / "corpus" / "default"
    Campaigns(data).create("cached", ids=["low.png"])
    inside.unlink()
    assert place_of(open_dataset(data)) == corpus.folder
    assert [one.name for one in Campaigns(data).list()] == ["cached"]
    shutil.move(data / ".aside" / "kept", inside)
    assert place_of(open_dataset(data)) == inside / "corpus" / "default"
    assert Campaigns(data).collect("cached", dry_run=True)[0].n_processed == len(LINE)
    shutil.copy(cached / "campaigns.db", inside / "campaigns.db")
    Campaigns(data).create("inside", ids=["low.png"])
    assert [one.name for one in Campaigns(data).list()] == ["cached", "inside"]


# What is no store


@pytest.mark.parametrize("journal", ["DELETE", "WAL"])
def test_a_database_of_something_else_is_refused_untouched(
    journal: str, data: Path, tmp_path: Path
) -> None:
    place = tmp_path / "photos.db"
    with closing(sqlite3.connect(place)) as other:
        other.execute(f"PRAGMA journal_mode = {journal}")
        other.execute("CREATE TABLE foo (bar)")
        other.execute("INSERT INTO foo VALUES (1)")
        other.commit()
    before = place.read_bytes()
    for command in ("create c low.png", "list", "collect", "collect --dry-run", "hits c"):
        ran = run(data, f"{command} --store {place}", tmp_path)
        assert (ran.code, ran.out) == (2, "")
        assert ran.err == (
            f"error: store {place}: a database of something else, 'foo' is in it; name another "
            "file, selectlab makes it\n"
        )
    assert place.read_bytes() == before
    place.write_bytes(b"")
    assert run(data, f"create c low.png --store {place}", tmp_path).code == 0


# Names and numbers


@pytest.mark.parametrize("name", ["w@1", "night@007", "a@b@2", "@1@1"])
def test_a_name_does_not_look_like_a_version(name: str, tmp_path: Path) -> None:
    campaigns = on_the_line(tmp_path)
    with pytest.raises(ConfigError) as refused:
        campaigns.create(name, ids=["low"])
    assert str(refused.value) == (
        f"campaign {name!r}: '@' and digits at the end mean a version, as in campaign:NAME@2; "
        "choose another name"
    )
    assert not (tmp_path / "campaigns.db").exists()
    for fine in ("a@b", "@", "1@x"):
        assert campaigns.create(fine, ids=["low"]).name == fine
