"""Built-in strategies, one file each."""

from selectlab.strategies.bal import Bal
from selectlab.strategies.balance import Balance
from selectlab.strategies.coverage import Coverage
from selectlab.strategies.diversity import Diversity
from selectlab.strategies.prototypes import Prototypes
from selectlab.strategies.similarity import Similarity
from selectlab.strategies.spread import Spread
from selectlab.strategies.threshold import Threshold
from selectlab.strategies.typicality import Typicality
from selectlab.strategies.weights import TargetRange, Weights

__all__ = [
    "Bal",
    "Balance",
    "Coverage",
    "Diversity",
    "Prototypes",
    "Similarity",
    "Spread",
    "TargetRange",
    "Threshold",
    "Typicality",
    "Weights",
]
