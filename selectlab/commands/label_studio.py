"""``selectlab label-studio``: send samples to Label Studio, see how far they are, fetch labels."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from selectlab.commands.campaign_options import StorePlace
from selectlab.commands.label_studio_reports import (
    print_pulled,
    print_pushed,
    print_standing,
    pulled_json,
    pushed_json,
    refuse_too_large,
    standing_json,
)
from selectlab.commands.options import DATA_HELP, AsJson, open_data, print_json
from selectlab.commands.waiting import interruptible, shown
from selectlab.errors import ConfigError, DataError

if TYPE_CHECKING:
    from selectlab.dataset import Dataset
    from selectlab.label_studio import Client, LocalFiles, Project, Pulled

app = typer.Typer(
    name="label-studio",
    help="Send samples to a Label Studio server and fetch what people labelled.",
    epilog="The token of your account is read from the environment variable "
    "SELECTLAB_LABEL_STUDIO_TOKEN, from --token-file, or from "
    "~/.config/selectlab/label-studio.json. Start: 'selectlab label-studio push --help'.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Data = Annotated[str, typer.Option(help=DATA_HELP)]
Url = Annotated[
    str,
    typer.Option(
        metavar="URL",
        envvar=["SELECTLAB_LABEL_STUDIO_URL", "LABEL_STUDIO_URL"],
        help="Address of the server, such as http://127.0.0.1:8080.",
    ),
]
Title = Annotated[
    str | None, typer.Option("--project", metavar="NAME", help="What the project is called.")
]
Number = Annotated[
    int | None,
    typer.Option("--project-id", metavar="N", help="The project's number, instead of its name."),
]
TokenFile = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="File that holds the token and nothing else."),
]
Timeout = Annotated[
    float, typer.Option(min=1, metavar="SECONDS", help="How long to wait for an answer.")
]
_TIMEOUT_S = 120.0


@app.command()
def push(
    run: Annotated[
        str,
        typer.Argument(
            help="What to send: the folder of a run, a text file of ids, or campaign:NAME."
        ),
    ],
    data: Data,
    url: Url,
    project: Title = None,
    project_id: Number = None,
    image_url: Annotated[
        str | None,
        typer.Option(
            metavar="TEMPLATE",
            help="Where a browser finds the images, such as https://host/{id} or s3://bucket/{id}; "
            "also {id_raw}, {name}, {stem}.",
        ),
    ] = None,
    local_files: Annotated[
        str | None,
        typer.Option(
            metavar="ROOT[=SERVER_ROOT]",
            help="The server reads the images from its disk: its document root as this machine "
            "sees it, and as the server does if that differs. Default: the folder that the "
            "dataset lies in.",
        ),
    ] = None,
    task: Annotated[
        list[str] | None,
        typer.Option(
            help="Task whose predictions go along, to be corrected; may be repeated. Default: the "
            "only one."
        ),
    ] = None,
    imputed: Annotated[
        Path | None, typer.Option(help="Imputed boxes, as 'selectlab assert' writes them.")
    ] = None,
    min_score: Annotated[
        float, typer.Option(min=0, max=1, help="Lowest score of a prediction to send.")
    ] = 0.25,
    batch: Annotated[int, typer.Option(min=1, help="Tasks to send at a time.")] = 100,
    resend_missing: Annotated[
        bool,
        typer.Option(
            "--resend-missing",
            help="Send samples again that were sent before and that the project no longer has.",
        ),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be sent; change nothing.")
    ] = False,
    settle: Annotated[
        float,
        typer.Option(
            min=0,
            metavar="SECONDS",
            help="After a push that was cut off: how long the server may still be working on it.",
        ),
    ] = 10.0,
    token_file: TokenFile = None,
    timeout: Timeout = _TIMEOUT_S,
    store: StorePlace = None,
    as_json: AsJson = False,
) -> None:
    """Send samples with what a model predicts, to be labelled.

    Makes the project, with a labelling interface for the categories, if it is not there. Only what
    was not sent to it before goes out. After a failure, or Ctrl-C, the same command goes on.

    Example: selectlab label-studio push ./run1 --data ./dataset --url http://127.0.0.1:8080
    --project Night

    Images on the web: ... --image-url 'https://images.example.org/{id}'
    """
    from selectlab.exports.sources import items_of
    from selectlab.label_studio import Target
    from selectlab.label_studio import push as send
    from selectlab.rounds.ledger import Ledger, place_of

    target = Target(project, project_id)
    dataset = open_data(data)
    files = _files(dataset, data, image_url, local_files)
    items = items_of(
        run,
        dataset,
        tasks=task or None,
        imputed=imputed,
        min_score=min_score,
        image_url=image_url,
        store=store,
        doing="sending",
    )
    stopped = "while sending; what has arrived is noted, the same command goes on from there"
    with (
        interruptible(lambda: stopped),
        shown(),
        Ledger.open(place_of(dataset, store), read_only=dry_run) as ledger,
        _client(url, token_file, timeout) as client,
    ):
        done = send(
            items,
            dataset,
            ledger,
            client,
            target,
            files=files,
            batch=batch,
            settle_s=settle,
            resend_missing=resend_missing,
            dry_run=dry_run,
        )
    if as_json:
        print_json(pushed_json(done))
    else:
        print_pushed(done, target.title or "", files, dry_run=dry_run)
    refuse_too_large(done)


@app.command()
def status(
    data: Data,
    url: Url,
    project: Title = None,
    project_id: Number = None,
    token_file: TokenFile = None,
    timeout: Timeout = _TIMEOUT_S,
    store: StorePlace = None,
    as_json: AsJson = False,
) -> None:
    """Show how far a project is, and hold the ledger against the server.

    Exits 1 if they do not agree: something is pending, gone, there twice, or unknown.

    Example: selectlab label-studio status --data ./dataset --url http://127.0.0.1:8080
    --project Night
    """
    from selectlab.label_studio import standing
    from selectlab.rounds.ledger import Ledger, place_of

    dataset = open_data(data)
    with (
        interruptible(lambda: "while looking; nothing was changed"),
        shown(),
        Ledger.open(place_of(dataset, store), read_only=True) as ledger,
        _client(url, token_file, timeout) as client,
    ):
        found = standing(ledger, client, _project(client, project, project_id))
    if as_json:
        print_json(standing_json(found))
    else:
        print_standing(found)
    if not found.agrees:
        raise typer.Exit(1)


@app.command()
def pull(
    data: Data,
    url: Url,
    project: Title = None,
    project_id: Number = None,
    task: Annotated[
        str,
        typer.Option(
            help="Task that the labels are about. Default: all that they fit; in a project for "
            "several tasks the one that the tool is for."
        ),
    ] = "",
    again: Annotated[
        bool, typer.Option("--again", help="Look at everything, not only at what changed.")
    ] = False,
    wait: Annotated[
        float | None,
        typer.Option(
            min=1,
            metavar="SECONDS",
            help="First wait until nothing that was sent is open, looking every so often.",
        ),
    ] = None,
    token_file: TokenFile = None,
    timeout: Timeout = _TIMEOUT_S,
    store: StorePlace = None,
    as_json: AsJson = False,
) -> None:
    """Fetch what was labelled since the last time, into the ledger of the dataset.

    The next selection starts from it. Corrected annotations take the place of earlier ones; where
    all annotations of a task were deleted, the label goes too.

    Example: selectlab label-studio pull --data ./dataset --url http://127.0.0.1:8080
    --project Night

    Once everything is labelled: ... --wait 60
    """
    from selectlab.label_studio import Patience
    from selectlab.label_studio import pull as fetch
    from selectlab.rounds.ledger import Ledger, place_of

    dataset = open_data(data)
    doing = "fetching" if wait is None else "waiting for labels"
    with (
        interruptible(lambda: f"while {doing}; the same command makes up for it"),
        Ledger.open(place_of(dataset, store)) as ledger,
        _client(url, token_file, timeout) as client,
    ):

        def fetched(patience: Patience | None = None) -> Pulled:
            target = _project(client, project, project_id)
            if patience is not None:
                patience.until_none_is_open(ledger, target)
            with shown():
                return fetch(ledger, client, target, dataset, task=task, again=again)

        if wait is None:
            found = fetched()
        else:
            patience = Patience(client, wait, partial(typer.echo, err=True))
            found = patience.answer(lambda: fetched(patience))
    if as_json:
        print_json(pulled_json(found))
    else:
        print_pulled(found)


@contextmanager
def _client(url: str, token_file: Path | None, timeout: float) -> Iterator[Client]:
    from selectlab.label_studio import Client, address_of, find_token

    address = address_of(url)
    with Client(address, find_token(address, token_file), timeout) as client:
        yield client


def _project(client: Client, title: str | None, number: int | None) -> Project:
    from selectlab.label_studio import Target, find_project

    target = Target(title, number)
    found = find_project(client, target.title, target.number)
    if found is None:
        raise DataError(f"--project: {client.address} has no project {title!r}")
    return found


def _files(
    dataset: Dataset, data: str, image_url: str | None, local_files: str | None
) -> LocalFiles | None:
    """Return how the server reads images from its disk, if it does."""
    from selectlab.label_studio import LocalFiles

    if image_url is not None:
        if local_files is not None:
            raise ConfigError("--image-url and --local-files: give one of them")
        return None
    if "://" in dataset.source.where:
        if local_files is not None:
            raise ConfigError(f"--local-files: {data} is not on this machine")
        return None
    return LocalFiles(Path(data)) if local_files is None else LocalFiles.of(local_files, Path(data))
