"""Built-in strategies, one file each."""

from selectlab.strategies.bal import Bal
from selectlab.strategies.balance import Balance
from selectlab.strategies.diversity import Diversity
from selectlab.strategies.similarity import Similarity
from selectlab.strategies.threshold import Threshold
from selectlab.strategies.typicality import Typicality
from selectlab.strategies.weights import TargetRange, Weights

__all__ = [
    "Bal",
    "Balance",
    "Diversity",
    "Similarity",
    "TargetRange",
    "Threshold",
    "Typicality",
    "Weights",
]
