"""The index of a dataset's embeddings: made once, searched by many campaigns, appended to."""

from selectlab.corpus.blocks import Block
from selectlab.corpus.index import Corpus, place_of
from selectlab.corpus.spaces import Element, Space

__all__ = ["Block", "Corpus", "Element", "Space", "place_of"]
