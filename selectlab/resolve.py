"""From a config and a dataset to a plan of arrays; the last place that knows names."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from selectlab import progress, sequences
from selectlab.config import Config, Entry, mismatch
from selectlab.dataset import Dataset
from selectlab.engine.greedy import Part, Plan
from selectlab.errors import ConfigError, DataError, EngineError, SelectlabError, first_of
from selectlab.frame_gap import FrameGap
from selectlab.objective import Guard
from selectlab.types import BoolArray, Embedded, Objects, Rows, Scalars, Signal


@dataclass
class Counts:
    """How many samples were left after each step, in samples (frames, for sequences)."""

    input: int = 0
    missing: dict[str, int] = field(default_factory=dict)
    filtered: dict[str, int] = field(default_factory=dict)
    not_in_sequence: int = 0
    beside_preselected: int = 0
    preselected: int = 0
    preselected_without_values: int = 0
    candidates: int = 0


@dataclass(frozen=True)
class Resolved:
    """A plan and what is needed to read its outcome.

    Attributes:
        plan: What the loop runs on.
        dataset: Where the rows come from.
        rows: (number of plan rows, L) rows of the dataset behind each row of the plan; L is 1
            unless sequences are selected.
        signals: The signal of each entry, over all samples.
        active: The signal of each entry over the rows of the plan.
        preselected: Dataset rows selected before, in the order given.
        counts: What happened to the samples.
        wanted: Number of samples asked for.
        config: The config.
    """

    plan: Plan
    dataset: Dataset
    rows: Rows
    signals: Sequence[Signal]
    active: Sequence[Signal]
    preselected: Rows
    counts: Counts
    wanted: int
    config: Config


def resolve(
    config: Config,
    dataset: Dataset,
    preselected: Iterable[str] = (),
    only: Sequence[str] | None = None,
) -> Resolved:
    """Load the inputs, leave out what cannot be selected, start the objectives.

    Args:
        config: What to select by.
        dataset: What to select from.
        preselected: What is selected already.
        only: The only samples that may be selected; ``None`` for all.

    Raises:
        ConfigError: Config and data do not fit together.
        DataError: The data are not usable, or no sample is left.
    """
    _refuse_taken_names(config, dataset)
    dataset = _with_path_groups(config, dataset)
    before = dataset.rows_of(dict.fromkeys(preselected), "preselected")
    signals = _load(config, dataset)
    counts = Counts(input=len(dataset), preselected=len(before))
    new = None if only is None else _mask(dataset.rows_of(only, "only"), len(dataset))
    active, table, candidates = _left(config, dataset, signals, before, new, counts)
    plan = replace(
        _plan(config, dataset, active, candidates, table.shape[1]),
        guards=_guards(config, dataset, table[:, 0]),
        size=_size_in_words(config),
    )
    _preselect(plan, table, before)
    return Resolved(
        plan=plan,
        dataset=dataset,
        rows=table,
        signals=signals,
        active=active,
        preselected=before,
        counts=counts,
        wanted=plan.n_picks * table.shape[1],
        config=config,
    )


def _left(
    config: Config,
    dataset: Dataset,
    signals: Sequence[Signal],
    before: Rows,
    new: BoolArray | None,
    counts: Counts,
) -> tuple[list[Signal], Rows, BoolArray]:
    """Return signals, dataset rows and candidates of the plan; count what is left out."""
    kept = _without_missing(config.entries, signals, counts)
    table = _row_table(config, dataset, kept, counts)
    selected = _mask(before, len(dataset))[table]
    is_preselected: BoolArray = np.asarray(selected.any(axis=1))
    counts.preselected_without_values = len(before) - int(selected.sum())
    counts.beside_preselected = int(is_preselected.sum()) * table.shape[1] - int(selected.sum())
    del kept, selected
    chunked = [_chunks(signal, table) for signal in signals]
    passed = _filter(config.entries, chunked, is_preselected, counts, table.shape[1])
    if new is not None:
        known = ~new[table].all(axis=1)
        counts.filtered["only_new"] = int((known & ~is_preselected).sum()) * table.shape[1]
        passed &= ~known
    passed |= is_preselected
    counts.candidates = int((passed & ~is_preselected).sum()) * table.shape[1]
    _refuse_nothing(counts)
    if not passed.all():
        alive = np.flatnonzero(passed)
        chunked = [signal.take(alive) for signal in chunked]
        table, is_preselected = table[alive], is_preselected[alive]
    candidates = ~is_preselected
    return [replace(signal, candidates=candidates) for signal in chunked], table, candidates


def anew(resolved: Resolved) -> Plan:
    """Return the plan with objectives that know nothing of what was picked."""
    old = resolved.plan
    plan = replace(
        _plan(
            resolved.config, resolved.dataset, resolved.active, old.candidates,
            resolved.rows.shape[1],
        ),
        guards=_guards(resolved.config, resolved.dataset, resolved.rows[:, 0]),
        size=old.size,
    )  # fmt: skip
    _preselect(plan, resolved.rows, resolved.preselected)
    return plan


def _mask(rows: Rows, n_rows: int) -> BoolArray:
    mask = np.zeros(n_rows, dtype=np.bool_)
    mask[rows] = True
    return mask


def _preselect(plan: Plan, table: Rows, before: Rows) -> None:
    """Put the rows that hold preselected samples into every objective, in their order."""
    place = {int(row): at for at, row in enumerate(before)}
    chosen = np.flatnonzero(~plan.candidates)
    order = [min(place[int(row)] for row in table[c] if int(row) in place) for c in chosen]
    selected = chosen[np.argsort(order, kind="stable")]
    for part in plan.parts:
        part.objective.add(selected)
    for guard in plan.guards:
        guard.add(selected)


def _load(config: Config, dataset: Dataset) -> list[Signal]:
    loaded: dict[str, Signal] = {}
    signals = []
    for entry in config.entries:
        key = entry.input.model_dump_json()
        if key not in loaded:
            progress.stage(f"reading {entry.input.describe()}")
            loaded[key] = _checked_input(config, entry, dataset)
        signal = loaded[key]
        if not isinstance(signal, entry.strategy.accepts):
            raise ConfigError(f"{entry.path}: {mismatch(entry, type(signal))}")
        if entry.strategy.needs_query and getattr(signal, "query", None) is None:
            raise ConfigError(
                f"{entry.path}: {entry.strategy.type} needs a query set; give the input a "
                "'tag_name' (and 'dataset_id' when it lies in another dataset)"
            )
        if not entry.strategy.needs_query and getattr(signal, "query", None) is not None:
            raise ConfigError(
                f"{entry.path}.input: a query set ('tag_name') means nothing to "
                f"{entry.strategy.type}; it goes with SIMILARITY"
            )
        try:
            entry.strategy.check(signal)
        except ConfigError as error:
            raise ConfigError(f"{entry.path}.strategy.{error}") from None
        signals.append(signal)
    return signals


def _checked_input(config: Config, entry: Entry, dataset: Dataset) -> Signal:
    """Load an input and hold it to its contract: a finite value for every sample."""
    try:
        signal = entry.input.load(dataset)
    except ConfigError as error:
        raise ConfigError(f"{entry.path}.input: {error}") from None
    except EngineError:
        raise
    except SelectlabError as error:
        raise DataError(f"{entry.path}.input: {error}") from None
    _refuse_unusable(entry, signal, dataset)
    signal = _whole_auto_task(config, entry, signal, dataset)
    if signal.missing is not None and entry.input.on_missing == "error" and signal.missing.any():
        lacking = dataset.ids.take(np.flatnonzero(signal.missing))
        raise DataError(
            f"{entry.path}.input: no {entry.input.describe()} for "
            f"{first_of(lacking, len(dataset))}; on_missing 'exclude' leaves them out"
        )
    return signal


def _refuse_unusable(entry: Entry, signal: Signal, dataset: Dataset) -> None:
    if len(signal) != len(dataset):
        raise DataError(
            f"{entry.path}.input: {entry.input.type} gave {len(signal)} values for "
            f"{len(dataset)} samples"
        )
    if isinstance(signal, Embedded) and not signal.vectors.shape[1]:
        raise DataError(f"{entry.path}.input: {entry.input.describe()} have no dimension")
    if isinstance(signal, Scalars):
        largest = float(np.abs(signal.values).max(initial=0.0))
        if not largest < np.finfo(np.float64).max / len(signal):
            raise DataError(
                f"{entry.path}.input: {entry.input.describe()}: the numbers are too large to be "
                f"added up, the largest is {largest:g}"
            )


def _refuse_taken_names(config: Config, dataset: Dataset) -> None:
    for i, task in enumerate(config.tasks):
        if task.name in dataset.source.tasks():
            raise ConfigError(f"auto_tasks[{i}].name: {task.name!r} is a prediction task already")


def _whole_auto_task(config: Config, entry: Entry, signal: Signal, dataset: Dataset) -> Signal:
    """Hold the objects of an auto task to its boxes: a sample has all of them or is missing."""
    name = getattr(entry.input, "task", None)
    task = next((task for task in config.tasks if task.name == name), None)
    if task is None or not isinstance(signal, Objects):
        return signal
    counts = np.diff(signal.offsets)
    wrong = np.flatnonzero((counts > 0) & (counts != task.n_objects))
    if len(wrong):
        listed = first_of(dataset.ids.take(wrong), len(dataset))
        raise DataError(
            f"{entry.path}.input: {task.type} {task.name!r} has {task.n_objects} objects per "
            f"sample, but {listed}, has embeddings of {counts[wrong[0]]}"
        )
    missing: BoolArray = counts == 0
    return replace(signal, missing=missing if missing.any() else None)


def _without_missing(
    entries: Sequence[Entry], signals: Sequence[Signal], counts: Counts
) -> BoolArray:
    kept = np.ones(len(signals[0]), dtype=np.bool_)
    for entry, signal in zip(entries, signals, strict=True):
        if signal.missing is not None and signal.missing.any():
            counts.missing[f"{entry.path} {entry.input.describe()}"] = int(signal.missing.sum())
            if signal.missing.all():
                raise DataError(f"{entry.path}.input: no sample has {entry.input.describe()}")
            kept &= ~signal.missing
    return kept


def _row_table(config: Config, dataset: Dataset, kept: BoolArray, counts: Counts) -> Rows:
    """Return the dataset rows behind each row of the plan, (rows, L)."""
    length = config.selected_sequence_length
    if length is None:
        return np.flatnonzero(kept)[:, None]
    found = sequences.cut(dataset.ids, length)
    counts.not_in_sequence = found.dropped
    return found.rows[kept[found.rows].all(axis=1)]


def _chunks(signal: Signal, table: Rows) -> Signal:
    taken = signal.take(table.reshape(-1))
    return taken if table.shape[1] == 1 else taken.chunk(table.shape[1])


def _filter(
    entries: Sequence[Entry],
    signals: Sequence[Signal],
    is_preselected: BoolArray,
    counts: Counts,
    length: int,
) -> BoolArray:
    passed = np.ones(len(is_preselected), dtype=np.bool_)
    for entry, signal in zip(entries, signals, strict=True):
        kept = entry.strategy.keeps(signal)
        if kept is not None:
            name = f"{entry.path} {entry.input.describe()} {entry.strategy.describe()}"
            counts.filtered[name] = int((~kept & ~is_preselected).sum()) * length
            passed &= kept
    return passed


def _refuse_nothing(counts: Counts) -> None:
    if counts.candidates:
        return
    story = [f"{counts.input} in the dataset"]
    story += [f"{n} without {name}" for name, n in counts.missing.items()]
    if counts.not_in_sequence:
        story.append(f"{counts.not_in_sequence} in no complete sequence")
    story += [f"{n} removed by {name}" for name, n in counts.filtered.items()]
    if counts.preselected:
        story.append(f"{counts.preselected} selected already")
    raise DataError(f"no sample left to select: {'; '.join(story)}")


def _plan(
    config: Config, dataset: Dataset, signals: Sequence[Signal], candidates: BoolArray, length: int
) -> Plan:
    n_picks = _size(config, len(dataset), length)
    parts = []
    for i, (entry, signal) in enumerate(zip(config.entries, signals, strict=True)):
        if entry.strategy.strength == 0:
            continue
        progress.stage(f"preparing {entry.strategy.describe()} on {entry.input.describe()}")
        objective = entry.strategy.start(signal)
        if objective is not None:
            parts.append(Part(i, entry.label, entry.strategy.strength, objective))
    entries = config.entries
    parts.sort(key=lambda part: json.dumps(entries[part.entry].to_json(), sort_keys=True))
    return Plan(parts, candidates, n_picks)


def _guards(config: Config, dataset: Dataset, rows: Rows) -> Sequence[Guard]:
    if config.min_frame_gap is None:
        return ()
    return (FrameGap(dataset.ids.take(rows), config.min_frame_gap),)


def _size_in_words(config: Config) -> str:
    if config.proportion_samples is not None:
        return f"proportion_samples {config.proportion_samples:g}"
    return f"n_samples {config.n_samples}"


def _size(config: Config, n_input: int, length: int) -> int:
    """Return the number of picks; a pick is a sample, or a sequence of them."""
    if config.proportion_samples is not None:
        # Half up, and not fooled by 0.145 * 100 = 14.499999999999998.
        rounded = int(np.floor(round(config.proportion_samples * n_input, 9) + 0.5))
        return max(rounded // length, 1)
    assert config.n_samples is not None
    return config.n_samples if length == 1 else sequences.count(config.n_samples, length)


def _with_path_groups(config: Config, dataset: Dataset) -> Dataset:
    """Add the named groups of ``lightly_path_regex`` as categorical metadata."""
    if config.lightly_path_regex is None:
        return dataset
    try:
        pattern = re.compile(config.lightly_path_regex)
    except re.error as error:
        raise ConfigError(f"lightly_path_regex: not a regular expression: {error}") from None
    if not pattern.groupindex:
        raise ConfigError(
            "lightly_path_regex: has no named group; write (?P<camera>...) to get the "
            "metadata key 'camera'"
        )
    columns: dict[str, list[str | None]] = {name: [] for name in pattern.groupindex}
    known: dict[str, str] = {}
    n_found = 0
    for sample_id in dataset.ids:
        found = pattern.search(sample_id)
        n_found += found is not None
        for name, column in columns.items():
            value = found[name] if found else None
            column.append(value if value is None else known.setdefault(value, value))
    if not n_found:
        raise ConfigError(f"lightly_path_regex: matches no sample, such as {dataset.ids[0]!r}")
    return dataset.with_metadata(columns)


def candidate_rows(resolved: Resolved) -> npt.NDArray[np.intp]:
    """Return the dataset rows that could be picked."""
    return resolved.rows[resolved.plan.candidates].reshape(-1)
