"""Refining: what people accepted becomes seeds, what they discarded never returns."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from selectlab.campaigns.clusters import Clusters
from selectlab.campaigns.records import Hit, Version
from selectlab.campaigns.seeds import Seeds
from selectlab.corpus import Corpus
from selectlab.corpus.spaces import Element

if TYPE_CHECKING:
    from selectlab.campaigns.classifier import Classifier
    from selectlab.campaigns.store import Store

_BATCH = 20_000


@dataclass(frozen=True)
class Refined:
    """What refining came to.

    Attributes:
        version: The newest version now.
        is_new: Whether it was made now; without a change of the seeds there is no new one.
        n_joined: Accepted samples that became seeds.
        n_left: Seeds that were discarded since.
        missing: Accepted samples that the index has not got, so that they did not join: they were
            found in another one, or before it was built anew. They do once it has them.
    """

    version: Version
    is_new: bool
    n_joined: int
    n_left: int
    missing: tuple[str, ...] = ()


@dataclass(frozen=True)
class RankedHit(Hit):
    """A collected sample, and what a classifier thinks of it.

    Attributes:
        probability: That a person would accept it, 0 to 1.
    """

    probability: float


def refine(store: Store, corpus: Corpus, name: str, *, classifier: bool = False) -> Refined:
    """Let accepted samples join the seeds, with their best elements, and commit that.

    Raises:
        DataError: A classifier is wanted and there is too little to learn from. Nothing has changed
            then.
    """
    if classifier:
        learned(store, corpus, name)
    before, held = store.campaign(name).version, store.seeds(name)
    accepted = [hit for hit in store.hits(name) if hit.accepted and hit.status != "discarded"]
    gone = {sample.sample_id for sample in store.samples(name, statuses=["discarded"])}
    joining, missing = _there(corpus, {_element(hit) for hit in accepted} - set(held.elements))
    leaving = [element for element in held.elements if element.sample_id in gone]
    if joining:
        vectors = corpus.vectors_of(joining)
        store.add_seeds(name, Seeds(corpus.space, tuple(joining), vectors))
    if leaving:
        store.remove_seeds(name, leaving)
    version = store.commit(name, Clusters.of)
    lacking = tuple(element.sample_id for element in missing)
    return Refined(version, version.number > before, len(joining), len(leaving), lacking)


def learned(store: Store, corpus: Corpus, name: str) -> Classifier:
    """Return what tells accepted samples from discarded ones, as far as the index has them.

    Raises:
        DataError: There are too few of either.
    """
    from selectlab.campaigns.classifier import Classifier

    seeds = store.seeds(name)
    hits = list(store.hits(name))
    yes, _ = _there(corpus, {_element(h) for h in hits if h.accepted} - set(seeds.elements))
    no, _ = _there(corpus, {_element(h) for h in hits if h.status == "discarded"})
    positive = np.concatenate([seeds.vectors, corpus.vectors_of(yes)]) if yes else seeds.vectors
    return Classifier.fit(positive, corpus.vectors_of(no))


def ranked(store: Store, corpus: Corpus, name: str, statuses: Sequence[str]) -> list[RankedHit]:
    """Return collected samples by falling probability, equal ones by score and sample id.

    A warning tells how many the index has not got.
    """
    model = learned(store, corpus, name)
    found: list[RankedHit] = []
    n_missing = 0
    for given in _batches(store.hits(name, statuses=statuses)):
        there = corpus.rows_of([_element(hit) for hit in given]) >= 0
        some = [hit for hit, known in zip(given, there, strict=True) if known]
        n_missing += len(given) - len(some)
        vectors = corpus.vectors_of([_element(hit) for hit in some])
        for hit, probability in zip(some, model.probability(vectors).tolist(), strict=True):
            told = {field.name: getattr(hit, field.name) for field in fields(hit)}
            found.append(RankedHit(**told, probability=probability))
    if n_missing:
        warnings.warn(
            f"campaign {name!r}: {n_missing} of {len(found) + n_missing} samples are not in "
            f"{corpus.folder}, as it is now; they cannot be ranked",
            stacklevel=3,
        )
    return sorted(found, key=lambda hit: (-hit.probability, -hit.score, hit.sample_id))


def _there(corpus: Corpus, elements: Iterable[Element]) -> tuple[list[Element], list[Element]]:
    """Return the elements that an index has, and those that it has not, both sorted."""
    wanted = sorted(elements)
    there = corpus.rows_of(wanted) >= 0
    pairs = list(zip(wanted, there.tolist(), strict=True))
    return [one for one, known in pairs if known], [one for one, known in pairs if not known]


def _element(hit: Hit) -> Element:
    return Element(hit.sample_id, hit.number)


def _batches(hits: Iterable[Hit]) -> Iterator[list[Hit]]:
    rest = iter(hits)
    while some := list(islice(rest, _BATCH)):
        yield some
