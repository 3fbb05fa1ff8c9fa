"""Refining: what people accepted becomes seeds, what they discarded never returns."""

from __future__ import annotations

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
    """

    version: Version
    is_new: bool
    n_joined: int
    n_left: int


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
        DataError: The index lacks one; or a classifier is wanted and there is too little to learn
            from. Nothing has changed then.
    """
    if classifier:
        learned(store, corpus, name)
    before, held = store.campaign(name).version, store.seeds(name)
    accepted = [hit for hit in store.hits(name) if hit.accepted and hit.status != "discarded"]
    gone = {sample.sample_id for sample in store.samples(name, statuses=["discarded"])}
    joining = sorted({_element(hit) for hit in accepted} - set(held.elements))
    leaving = [element for element in held.elements if element.sample_id in gone]
    if joining:
        vectors = corpus.vectors_of(joining)
        store.add_seeds(name, Seeds(corpus.space, tuple(joining), vectors))
    if leaving:
        store.remove_seeds(name, leaving)
    version = store.commit(name, Clusters.of)
    return Refined(version, version.number > before, len(joining), len(leaving))


def learned(store: Store, corpus: Corpus, name: str) -> Classifier:
    """Return what tells accepted samples from discarded ones.

    Raises:
        DataError: There are too few of either.
    """
    from selectlab.campaigns.classifier import Classifier

    seeds = store.seeds(name)
    hits = list(store.hits(name))
    yes = sorted({_element(h) for h in hits if h.accepted} - set(seeds.elements))
    no = sorted(_element(h) for h in hits if h.status == "discarded")
    positive = np.concatenate([seeds.vectors, corpus.vectors_of(yes)]) if yes else seeds.vectors
    return Classifier.fit(positive, corpus.vectors_of(no))


def ranked(store: Store, corpus: Corpus, name: str, statuses: Sequence[str]) -> list[RankedHit]:
    """Return collected samples by falling probability, equal ones by score and sample id."""
    model = learned(store, corpus, name)
    found: list[RankedHit] = []
    for some in _batches(store.hits(name, statuses=statuses)):
        vectors = corpus.vectors_of([_element(hit) for hit in some])
        for hit, probability in zip(some, model.probability(vectors).tolist(), strict=True):
            told = {field.name: getattr(hit, field.name) for field in fields(hit)}
            found.append(RankedHit(**told, probability=probability))
    return sorted(found, key=lambda hit: (-hit.probability, -hit.score, hit.sample_id))


def _element(hit: Hit) -> Element:
    return Element(hit.sample_id, hit.number)


def _batches(hits: Iterable[Hit]) -> Iterator[list[Hit]]:
    rest = iter(hits)
    while some := list(islice(rest, _BATCH)):
        yield some
