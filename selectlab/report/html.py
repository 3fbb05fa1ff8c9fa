"""A run as one HTML page that holds everything it shows and asks nobody for anything."""

from __future__ import annotations

import base64
import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from selectlab import progress
from selectlab.errors import MissingExtraError, SelectlabError
from selectlab.report.asked import asked, size_asked, steps_taken
from selectlab.report.cautions import cautions
from selectlab.report.charts import brief, counted
from selectlab.report.course import course_charts
from selectlab.report.drawing import legend_of
from selectlab.report.duplicates import Duplicates, near_duplicates
from selectlab.report.evidence import Evidence, look_up
from selectlab.report.gallery import gallery, pair_pictures, strips
from selectlab.report.influence import how_judged, influences
from selectlab.report.loop import loop
from selectlab.report.points import embedding_plot
from selectlab.report.projection import check
from selectlab.report.record import RunRecord, read_run
from selectlab.report.space import space_of
from selectlab.report.why import groups
from selectlab.statistics import summary_lines
from selectlab.thumbnails import Thumbnails
from selectlab.video.contact_sheet import STYLES

if TYPE_CHECKING:
    from markupsafe import Markup

    from selectlab.dataset import Dataset

MARK = "selectlab report"
"""Name of the page's generator, by which a report is known again."""


def render(
    folder: Path,
    dataset: Dataset | None = None,
    *,
    projection: str = "pca",
    videos: Path | None = None,
    strict: bool = False,
) -> str:
    """Return the report of a run as a page.

    Args:
        folder: Folder of the run.
        dataset: What it selected from; without it the report shows what the run has written down.
        projection: How embeddings are laid out: ``"pca"``, or ``"umap"`` where it is installed.
        videos: Folder of the videos that samples are frames of. Default: the dataset's.
        strict: Whether a dataset that does not fit the run is an error. If not, the report does
            without it and says so.

    Raises:
        ConfigError: There is no such projection.
        DataError: It is no folder of a run, or the dataset is another one.
        MissingExtraError: jinja2, plotly or umap-learn is not installed.
    """
    needed()
    check(projection)
    record = read_run(folder)
    notes: list[str] = []
    evidence = _evidence(record, dataset, notes, strict=strict)
    content = _content(record, evidence, projection, videos, notes)
    progress.stage("putting the page together")
    return _page(content)


def _evidence(
    record: RunRecord, dataset: Dataset | None, notes: list[str], *, strict: bool
) -> Evidence | None:
    """Look the data of a run up; where that cannot be, note why."""
    progress.stage("reading inputs")
    if dataset is None:
        where = f"the dataset was not at hand ({record.dataset})"
        if not record.dataset:
            where = "the run does not say where its dataset lay"
        notes.append(
            f"{where}, so that the report shows only what the run has written down; --data says "
            "where it is"
        )
        return None
    try:
        return look_up(record, dataset)
    except SelectlabError as error:
        if strict:
            raise
        notes.append(f"the dataset could not be used, so that much is left out: {error}")
        return None


def needed() -> None:
    """Refuse to begin without what a report is made with.

    Raises:
        MissingExtraError: jinja2 or plotly is not installed.
    """
    try:
        import jinja2  # noqa: F401
        import plotly  # noqa: F401
    except ImportError as error:
        raise MissingExtraError(
            f"report: needs {error.name}, which is not installed; pip install 'selectlab[report]'"
        ) from None


def _content(
    record: RunRecord,
    evidence: Evidence | None,
    projection: str,
    videos: Path | None,
    notes: list[str],
) -> dict[str, Any]:
    """Return everything that the page shows."""
    dataset = None if evidence is None else evidence.dataset
    thumbnails = None if dataset is None else Thumbnails(dataset, videos)
    found = influences(record, evidence)
    shown = _pictured(record, evidence, projection, thumbnails)
    progress.stage("comparing inputs")
    compared = groups(record, evidence)
    rounds = loop(record, dataset)
    notes += [*rounds.notes, *_unreadable(thumbnails)]
    return {
        "record": record,
        "generator": MARK,
        "asked": asked(record.config),
        "size": size_asked(record.config),
        "steps": steps_taken(record),
        "influences": found,
        "how_judged": how_judged(record, evidence),
        "cautions": cautions(record, evidence, found, notes),
        "groups": compared,
        "n_frames": 1 if evidence is None else evidence.n_frames,
        "course": course_charts(record),
        "rounds": rounds.charts,
        **shown,
        "statistics": _side_by_side(record, shown["duplicates"]),
        "measured": _measured(record),
        **_making(record),
    }


def _side_by_side(record: RunRecord, found: Duplicates | None) -> list[tuple[str, str, str, str]]:
    """Return what the manifest tells of candidates, selected and random samples, a row each."""
    lines = summary_lines(record.statistics)
    if found is not None:
        lines.append(("samples with a near-duplicate beside them", *found.shares))
    return lines


def _measured(record: RunRecord) -> str:
    """Say on how many candidates the run has measured distances, where not on all."""
    n = min((part.get("measured_on") or math.inf for part in record.statistics), default=math.inf)
    whole = int(record.counts["candidates"])
    return f"Distances are of {n:,} of {whole:,} candidates, drawn at random." * (n < whole)


def _pictured(
    record: RunRecord,
    evidence: Evidence | None,
    projection: str,
    thumbnails: Thumbnails | None,
) -> dict[str, Any]:
    """Return what there is to look at."""
    progress.stage("making thumbnails")
    dataset = None if evidence is None else evidence.dataset
    looked = gallery(record, dataset, thumbnails)
    found: dict[str, Any] = {"gallery": looked, "plot": None, "duplicates": None, "strips": []}
    pictures = [card.picture for card in looked.cards]
    if evidence is not None and thumbnails is not None:
        progress.stage("measuring distances")
        space = space_of(evidence)
        if space is not None:
            found["duplicates"] = near_duplicates(evidence, space)
            progress.stage("laying out the embedding" + " by UMAP" * (projection == "umap"))
            found["plot"] = embedding_plot(record, evidence, space, projection, thumbnails)
            found["in_config"] = space.in_config
        progress.stage("making thumbnails")
        if found["duplicates"] is not None:
            found["pairs"] = pair_pictures(found["duplicates"].pairs, thumbnails)
        found["strips"], found["n_flagged"] = strips(record, evidence.dataset, thumbnails)
        pictures += [frame for strip in found["strips"] for _, frame in strip.frames]
    return {**found, "legend": legend_of(pictures), "styles": STYLES}


def _unreadable(thumbnails: Thumbnails | None) -> list[str]:
    wrong = list(thumbnails.unreadable.values()) if thumbnails is not None else []
    if not wrong:
        return []
    such = "such as " if len(wrong) > 1 else ""
    return [f"{counted(len(wrong), 'picture')} cannot be shown: {such}{wrong[0]}"]


def _making(record: RunRecord) -> dict[str, Any]:
    """Return how the run was made, as its manifest has it."""
    manifest = record.manifest
    facts = [
        ("made", manifest.get("created", "")),
        ("selectlab", manifest.get("selectlab", "")),
        ("dataset", record.dataset),
        ("config, SHA-256", manifest.get("config_sha256", "")),
        ("sample ids, BLAKE2b", manifest.get("sample_ids_blake2b", "")),
        *((f"{one['input']}, BLAKE2b", one["blake2b"]) for one in manifest["inputs"]),
        ("seed of the random samples", manifest.get("statistics_random_seed", "")),
    ]
    return {
        "facts": facts,
        "versions": sorted(manifest.get("versions", {}).items()),
        "engine": _indented(manifest.get("engine", {})),
        "ledger": _indented(manifest["ledger"]) if manifest.get("ledger") else "",
        "config_json": _indented(manifest["config"]),
    }


def _indented(data: Any) -> str:
    return json.dumps(data, indent=2, ensure_ascii=False)


def as_json(data: Any) -> Markup:
    """Return JSON to stand in a page: nothing in it can end the element it stands in."""
    from markupsafe import Markup

    text = json.dumps(data, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    for sign in "<>&":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return Markup(text)


def _page(content: Mapping[str, Any]) -> str:
    """Fill the template in; only the two scripts that go with it may run."""
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup
    from plotly.offline import get_plotlyjs

    scripts = [get_plotlyjs().replace("\r\n", "\n"), _file("page.js")]
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"as_json": as_json, "brief": brief}
    text = environment.from_string(_file("page.html")).render(
        content,
        policy=_policy(scripts),
        css=Markup(_file("page.css")),
        scripts=[Markup(script) for script in scripts],
    )
    return f"{text}\n"


def _file(name: str) -> str:
    return files("selectlab.report").joinpath(name).read_text(encoding="utf-8")


def _policy(scripts: Sequence[str]) -> str:
    """Return the page's content security policy: no requests, no scripts but these."""
    hashes = [base64.b64encode(hashlib.sha256(s.encode()).digest()).decode() for s in scripts]
    allowed = " ".join(f"'sha256-{one}'" for one in hashes)
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; "
        "img-src data: blob:; base-uri 'none'; form-action 'none'"
    )
