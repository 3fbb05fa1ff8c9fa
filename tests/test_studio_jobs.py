"""Work in the background: it is watched, stopped at every step, and leaves all or nothing."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from small_dataset import DIVERSITY, EMBEDDINGS, WEIGHTS, config, metadata
from studio_dataset import WAIT_S, Client, served, studio_folder, with_runs

from selectlab import api, progress, threads
from selectlab.campaigns import Campaigns
from selectlab.corpus import Corpus
from selectlab.inputs.folder import open_dataset
from selectlab.progress import watched
from selectlab.studio.jobs import CancelledError, Job, Jobs
from selectlab.studio.serving import bound
from selectlab.studio.studio import Studio

CONFIG = config((EMBEDDINGS, DIVERSITY), (metadata("speed"), WEIGHTS), n_samples=8)


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    with served(Studio(open_dataset(with_runs(studio_folder(tmp_path))))) as client:
        yield client


# Stopping


def test_work_is_stopped_where_it_says_how_far_it_is() -> None:
    """Also inside of work that catches every error it knows of."""
    going, reached = threading.Event(), threading.Event()

    def work(job: Job) -> None:
        progress.stage("beginning")
        going.set()
        job._stop.wait(WAIT_S)
        try:
            progress.reach(1)
        except Exception:  # what careless code does
            reached.set()
        reached.set()

    job = Jobs().start("working", work)
    assert going.wait(WAIT_S)
    job.cancel()
    assert job.wait(WAIT_S)
    assert (job.state, reached.is_set()) == ("cancelled", False)


def test_a_job_says_at_once_that_it_is_to_stop() -> None:
    jobs, free = Jobs(), threading.Event()
    job = jobs.start("waiting", lambda job: free.wait(WAIT_S))
    assert job.to_json()["stopping"] is False
    jobs.cancel(job.number)
    assert (job.to_json()["state"], job.to_json()["stopping"]) == ("running", True)
    free.set()
    assert job.wait(WAIT_S)
    assert job.to_json()["state"] == "done"  # it was through before it noticed


def test_work_that_leaves_by_the_back_door_is_over() -> None:
    def work(job: Job) -> None:
        raise SystemExit(1)

    job = Jobs().start("leaving", work)
    assert job.wait(WAIT_S)
    assert job.state == "failed"


def test_numbers_of_jobs_go_on_when_the_server_is_started_anew() -> None:
    """A page that is still open must not take a new job for one that it has seen."""
    first = Jobs().start("one", lambda job: None)
    threading.Event().wait(0.01)
    assert Jobs().start("two", lambda job: None).number > first.number


@pytest.mark.parametrize("n_threads", [1, 2])
def test_work_on_blocks_is_stopped_between_them(n_threads: int) -> None:
    from threadpoolctl import threadpool_limits

    done: list[int] = []
    stopped = threading.Event()

    def check() -> None:
        if done:
            raise CancelledError

    def work(block: int) -> None:
        assert block == 0 or stopped.wait(WAIT_S)  # else all might be done before anybody looks
        done.append(block)

    with (
        threadpool_limits(n_threads, user_api="blas"),
        pytest.raises(CancelledError),
        watched(check),
    ):
        threads.over(range(1000), work)
    begun = len(done)
    stopped.set()
    assert begun == 1


class _Stopper:
    """Raises as soon as work is at some stage; notes all stages where none is given."""

    def __init__(self, at: str | None = None) -> None:
        self.at, self.stages = at, dict[str, None]()

    def __call__(self) -> None:
        now = progress.current()
        assert now is not None
        self.stages[now.now.name] = None
        if now.now.name == self.at:
            raise CancelledError


def _listing(folder: Path) -> list[str]:
    """All files but those that anybody who looks leaves behind."""
    kept = ("thumbnails", ".db", "writer.lock")
    found = (path.relative_to(folder).as_posix() for path in folder.rglob("*"))
    return sorted(path for path in found if not any(word in path for word in kept))


def _select(data: Path) -> None:
    chosen = api.select(CONFIG, data)
    progress.stage("writing files")
    chosen.save(data / ".selectlab" / "runs" / "made")


def _index(data: Path) -> None:
    Corpus.build(open_dataset(data), data / "index", space_id="by hand")


def _report(data: Path) -> None:
    from selectlab.report import write_report

    write_report(data / ".selectlab" / "runs" / "fast", open_dataset(data))


@pytest.mark.parametrize(
    ("work", "stages", "made"),
    [
        (_select, {"reading embeddings", "selecting", "writing files"}, "runs/made/manifest.json"),
        (_index, {"reading embeddings", "writing the index"}, "index/manifest.json"),
        (_report, {"reading embeddings", "writing the report"}, "runs/fast/report.html"),
    ],
    ids=["select", "index", "report"],
)
def test_work_that_is_stopped_at_any_stage_leaves_nothing(
    tmp_path: Path, work: Callable[[Path], None], stages: set[str], made: str
) -> None:
    if work is _report:
        pytest.importorskip("plotly", reason="plotly is not installed")
    seen, other = _Stopper(), with_runs(studio_folder(tmp_path / "other"))
    with watched(seen):
        work(other)
    assert stages <= set(seen.stages)
    data = with_runs(studio_folder(tmp_path))
    before = _listing(data)
    for stage in seen.stages:
        with pytest.raises(CancelledError), watched(_Stopper(stage)):
            work(data)
        assert _listing(data) == before, stage
    work(data)
    assert any(path.endswith(made) for path in set(_listing(data)) - set(before))


def test_collecting_that_is_stopped_keeps_what_is_whole(tmp_path: Path) -> None:
    """Batches are written as a whole; what was stopped goes on with the rest."""
    data = studio_folder(tmp_path)
    _index(data)
    campaigns = Campaigns(data, corpus=data / "index")
    campaigns.create("night", ids=[open_dataset(data).ids[0]])

    def stop(done: int, total: int) -> None:
        if done > total // 2:
            raise CancelledError

    with pytest.raises(CancelledError):
        campaigns.collect("night", threshold=0.02, batch_rows=7, on_batch=stop)
    part = sum(campaigns.get("night").counts.values())
    campaigns.collect("night", threshold=0.02, batch_rows=7)
    whole = campaigns.hits("night")
    campaigns.create("again", ids=[open_dataset(data).ids[0]])
    campaigns.collect("again", threshold=0.02)
    assert 0 < part < len(whole)
    assert [hit.sample_id for hit in whole] == [hit.sample_id for hit in campaigns.hits("again")]


def test_a_selection_is_cancelled_from_the_page(client: Client) -> None:
    """The work waits at its first word until the page has said stop."""
    began, told = threading.Event(), threading.Event()
    real = client.studio.jobs.start

    def work(job: Job) -> Any:
        progress.stage("reading inputs")
        began.set()
        told.wait(WAIT_S)
        return api.select(CONFIG, client.studio.dataset)

    job = real("selecting slowly", work)
    assert began.wait(WAIT_S)
    said = client.post("/api/job/cancel", number=job.number)["job"]
    assert (said["state"], said["stopping"], said["stage"]) == ("running", True, "reading inputs")
    told.set()
    assert client.finished()["state"] == "cancelled"
    assert client.get("/api/job")["job"]["result"] is None


# Reports


def test_a_report_is_made_in_the_background_and_offered_from_then_on(client: Client) -> None:
    pytest.importorskip("plotly", reason="plotly is not installed")
    assert client.get("/api/run/report", name="fast") == {"made": None}
    assert "no report of it yet" in client.http.get("/run/report", params={"name": "fast"}).text
    title = client.post("/api/run/report", name="fast")["job"]["title"]
    job = client.finished()
    assert (title, job["state"]) == ("report of fast", "done")
    assert job["result"]["link"] == "/run?name=fast#report"
    made = client.get("/api/run/report", name="fast")["made"]
    assert made.endswith(" UTC")
    assert f'data-made="{made}"' in client.http.get("/run", params={"name": "fast"}).text
    answer = client.http.get("/run/report", params={"name": "fast"})
    file = client.studio.runs.get("fast").folder / "report.html"
    assert answer.text == file.read_text(encoding="utf-8")
    assert answer.headers["content-security-policy"].startswith("sandbox allow-scripts; default")
    assert answer.headers["x-frame-options"] == "SAMEORIGIN"


def test_a_report_of_the_command_line_is_offered(tmp_path: Path) -> None:
    pytest.importorskip("plotly", reason="plotly is not installed")
    data = with_runs(studio_folder(tmp_path))
    _report(data)
    with served(Studio(open_dataset(data))) as client:
        assert client.get("/api/run/report", name="fast")["made"] is not None
        assert client.get("/api/run/report", name="classes") == {"made": None}


def test_what_is_no_report_is_neither_shown_nor_written_over(client: Client) -> None:
    folder = client.studio.runs.get("fast").folder
    (folder / "report.html").write_text("<p>my own notes")
    assert client.get("/api/run/report", name="fast") == {"made": None}
    assert client.refused("/api/run/report", name="fast") == (
        f"{folder / 'report.html'}: is there already and is no report; it is not overwritten"
    )
    assert (folder / "report.html").read_text() == "<p>my own notes"


def test_a_link_out_of_the_run_is_not_followed(client: Client, tmp_path: Path) -> None:
    secret = tmp_path / "secret.html"
    secret.write_text('<meta name="generator" content="selectlab report"> secret')
    folder = client.studio.runs.get("fast").folder
    (folder / "report.html").symlink_to(secret)
    assert client.get("/api/run/report", name="fast") == {"made": None}
    assert "secret" not in client.http.get("/run/report", params={"name": "fast"}).text
    assert client.refused("/api/run/report", name="fast").endswith("the folder of its run")
    assert "secret" in secret.read_text()


def test_a_report_that_cannot_be_made_says_why_in_one_line(client: Client) -> None:
    pytest.importorskip("plotly", reason="plotly is not installed")
    folder = client.studio.runs.get("fast").folder
    (folder / "selection.json").write_text("[]")
    client.post("/api/run/report", name="fast")
    job = client.finished()
    assert job["state"] == "failed"
    assert "\n" not in job["error"]
    assert str(folder) in job["error"]
    assert not (folder / "report.html").exists()


# Runs made here


def test_a_run_gets_a_name_that_is_free(client: Client) -> None:
    assert client.get("/api/compose/name") == {"name": "run"}
    client.post("/api/compose/run", config=CONFIG, name="run")
    assert client.finished()["result"]["selected"] == 8
    assert client.get("/api/compose/name") == {"name": "run 2"}
    assert client.refused("/api/compose/run", config=CONFIG, name="run") == (
        "name: there is a run 'run' already; choose another name"
    )
    assert client.get("/api/run/config", name="run")["config"]["n_samples"] == 8


def test_short_answers_leave_at_once() -> None:
    """asyncio sets TCP_NODELAY on sockets that are named ones of TCP only: 40 ms an answer."""
    with bound("127.0.0.1", 0) as listening:
        assert listening.proto == socket.IPPROTO_TCP
