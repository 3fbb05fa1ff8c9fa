"""Which part of the Python side is described on which page."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.abc import FileLoader
from importlib.util import find_spec


@dataclass(frozen=True)
class PythonPage:
    """A page about some modules.

    Attributes:
        slug: Its name.
        title: Its heading.
        about: One sentence.
        members: What it describes, in order: ``module:name``, or a module for all that it exports.
    """

    slug: str
    title: str
    about: str
    members: tuple[str, ...]

    def names(self) -> Iterator[str]:
        """Give each name once, as it is imported."""
        found: dict[str, None] = {}
        for member in self.members:
            module, _, name = member.partition(":")
            exported = [name] if name else _exported(module)
            found |= dict.fromkeys(f"{module}.{one}" for one in exported)
        return iter(found)


def _exported(module: str) -> list[str]:
    """Return ``__all__`` of a module without importing it, since it may need further packages."""
    spec = find_spec(module)
    source = spec.loader.get_source(module) if spec and isinstance(spec.loader, FileLoader) else ""
    for node in ast.parse(source or "").body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            names: list[str] = ast.literal_eval(node.value)
            return names
    raise ValueError(f"{module} does not say what it exports: no __all__")


PAGES = (
    PythonPage(
        "select",
        "Select",
        "Data in, a ranked selection out.",
        (
            *("selectlab:select", "selectlab:rank", "selectlab:Dataset", "selectlab:Selection"),
            *("selectlab:Ranking", "selectlab.selection:Pick", "selectlab.config:load"),
            *("selectlab.schema:json_schema", "selectlab.checkpoint:opened"),
            "selectlab.progress:watched",
        ),
    ),
    PythonPage(
        "data",
        "Read data",
        "Folders and files of other tools as a `Dataset`.",
        (
            *("selectlab.inputs.folder:open_dataset", "selectlab.inputs.coco:read_coco"),
            *("selectlab.inputs.yolo:read_yolo",),
        ),
    ),
    PythonPage(
        "types",
        "Types for plug-ins",
        "All that a strategy or an input of your own is made of.",
        (
            *(f"selectlab.types:{name}" for name in ("Strategy", "Input", "Objective", "Reason")),
            *(f"selectlab.types:{name}" for name in ("Signal", "Scalars", "Categories", "Counts")),
            *(f"selectlab.types:{name}" for name in ("Vectors", "Objects", "Severities")),
            *("selectlab.types", "selectlab.distances", "selectlab.neighbours", "selectlab.groups"),
        ),
    ),
    PythonPage(
        "testing", "Contract checks", "The checks that every class passes.", ("selectlab.testing",)
    ),
    PythonPage(
        "errors",
        "Errors",
        "What can go wrong, in one line that says how to put it right.",
        tuple(
            f"selectlab.errors:{name}"
            for name in (
                *("SelectlabError", "ConfigError", "DataError", "MissingExtraError"),
                *("EngineError", "did_you_mean"),
            )
        ),
    ),
    PythonPage(
        "assertions",
        "Assertions",
        "Contradictions of a model on video.",
        ("selectlab.assertions", "selectlab.assertions.flicker:Flicker"),
    ),
    PythonPage(
        "campaigns",
        "Campaigns and their index",
        "Find more of what hurts.",
        ("selectlab.campaigns", "selectlab.corpus"),
    ),
    PythonPage(
        "rounds",
        "Rounds and labels",
        "The ledger of what was selected, sent and labelled.",
        (
            *("selectlab.rounds", "selectlab.rounds.ledger:Ledger"),
            *("selectlab.rounds.ledger:place_of", "selectlab.labels.label:LabelFile"),
            *("selectlab.labels.label:RawLabel", "selectlab.labels.label:Label"),
        ),
    ),
    PythonPage(
        "exports",
        "Exports",
        "A selection in the format of another tool.",
        (
            *("selectlab.exports.export:export", "selectlab.exports.export:writer_of"),
            *("selectlab.exports.sources:items_of", "selectlab.exports.items:Items"),
            *("selectlab.exports.items:Item", "selectlab.exports.writer:Writer"),
            *("selectlab.shapes:Shape", "selectlab.shapes:Task"),
        ),
    ),
    PythonPage(
        "label-studio",
        "Label Studio",
        "Push to and pull from a Label Studio server.",
        ("selectlab.label_studio",),
    ),
    PythonPage(
        "aperturedb",
        "ApertureDB",
        "Push to an ApertureDB server, and mark there what was selected.",
        ("selectlab.aperture", "selectlab.exports.aperture_layout:Layout"),
    ),
    PythonPage("report", "Report", "The page about a run.", ("selectlab.report",)),
    PythonPage(
        "simulate",
        "Simulation",
        "Active learning on data whose labels are known.",
        ("selectlab.simulate",),
    ),
)
