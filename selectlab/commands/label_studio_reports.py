"""What ``selectlab label-studio`` tells: in words, and as JSON for machines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import typer

from selectlab.commands.campaign_options import counted
from selectlab.errors import DataError

if TYPE_CHECKING:
    from selectlab.label_studio import LocalFiles, Pulled, Pushed, Standing

_SHOWN = 20
_NAMED = 5


def pushed_json(done: Pushed) -> dict[str, Any]:
    """Return what a push has done."""
    return {
        "project": None if done.project is None else done.project.id,
        "made": done.made,
        "samples": done.n_samples,
        "sent_before": done.n_before,
        "found_there": done.n_found,
        "sent": done.n_sent,
        "doubles_removed": done.n_doubles,
        "too_large": list(done.too_large),
        "notes": list(done.notes),
    }


def refuse_too_large(done: Pushed) -> None:
    """Refuse to call a push done that had to leave something out.

    Raises:
        DataError: Tasks were too large.
    """
    names = done.too_large
    if names:
        assert done.project is not None
        shown = ", ".join(map(repr, names[:_NAMED])) + (", ..." if len(names) > _NAMED else "")
        raise DataError(
            f"{done.project.key}: {counted(len(names), 'task')} too large (413), not sent: {shown};"
            " let the server or the proxy before it take larger requests (client_max_body_size of "
            "nginx), or send fewer predictions (--min-score); then push again"
        )


def print_pushed(done: Pushed, title: str, files: LocalFiles | None, *, dry_run: bool) -> None:
    """Say what a push has done."""
    if done.project is None:
        where = f"project {title!r}, which would be made"
    else:
        where = f"{'new ' if done.made else ''}project {done.project.title!r}, {done.project.key}"
    would = "would be sent" if dry_run else "sent"
    parts = [f"{counted(done.n_sent, 'task')} {would}"]
    if done.n_found:
        parts.append(f"{done.n_found:,} had arrived already")
    if done.n_before:
        parts.append(f"{done.n_before:,} were sent before")
    if done.n_doubles:
        parts.append(f"{counted(done.n_doubles, 'double')} removed")
    typer.echo(f"{', '.join(parts)}: {where}")
    if dry_run and files is not None:
        typer.echo(f"note: the server has to be started with {files.needs}")
    _print_some("too large for the server, not sent", done.too_large)
    _print_notes(done.notes)


def standing_json(found: Standing) -> dict[str, Any]:
    """Return how far a project is."""
    return {
        "project": found.project.id,
        "sent": found.n_sent,
        "pending": found.n_pending,
        "on_server": found.n_tasks,
        "annotated": found.n_annotated,
        "skipped": found.n_skipped,
        "open": found.n_open,
        "pulled": found.n_pulled,
        "of_others": found.n_foreign,
        "missing": list(found.missing),
        "unknown": list(found.unknown),
        "doubles": list(found.doubles),
        "agrees": found.agrees,
    }


def print_standing(found: Standing) -> None:
    """Say how far a project is."""
    from selectlab.console import table

    counts = [
        ("sent", found.n_sent),
        ("pending", found.n_pending),
        ("on the server", found.n_tasks),
        ("annotated", found.n_annotated),
        ("skipped", found.n_skipped),
        ("open", found.n_open),
        ("labels here", found.n_pulled),
        ("of others", found.n_foreign),
    ]
    table([found.project.title, "samples"], [(name, f"{n:,}") for name, n in counts])
    if found.n_pending:
        typer.echo("pending: the next push finds out what has arrived")
    _print_some("sent, but no longer there", found.missing)
    _print_some("there, but not in the ledger", found.unknown)
    _print_some("there several times", found.doubles)
    if found.agrees:
        typer.echo("ledger and server agree")


def pulled_json(found: Pulled) -> dict[str, Any]:
    """Return what a pull has brought."""
    return {
        "project": found.project.id,
        "tasks": found.n_tasks,
        "labels": {
            "new": found.labels.new,
            "replaced": found.labels.replaced,
            "unchanged": found.labels.unchanged,
            "older": found.labels.older,
            "deleted": found.n_deleted,
        },
        "mismatches": [str(one) for one in found.mismatches],
        "notes": list(found.notes),
    }


def print_pulled(found: Pulled) -> None:
    """Say what a pull has brought."""
    labels = found.labels
    parts = [f"{counted(labels.new, 'label')} new", f"{labels.replaced:,} replaced"]
    if labels.unchanged:
        parts.append(f"{labels.unchanged:,} unchanged")
    if labels.older:
        parts.append(f"{labels.older:,} older than what is here")
    if found.n_deleted:
        parts.append(f"{found.n_deleted:,} deleted")
    typer.echo(
        f"{', '.join(parts)}: {counted(found.n_tasks, 'task')} looked at in project "
        f"{found.project.title!r}"
    )
    _print_some("not matched", [str(one) for one in found.mismatches])
    _print_notes(found.notes)


def _print_some(what: str, names: Sequence[str]) -> None:
    if names:
        typer.echo(f"{what}: {len(names):,}")
    for name in names[:_SHOWN]:
        typer.echo(f"  {name}")
    if len(names) > _SHOWN:
        typer.echo(f"  ... and {len(names) - _SHOWN:,} more")


def _print_notes(notes: Sequence[str]) -> None:
    for note in notes:
        typer.echo(f"note: {note}", err=True)
