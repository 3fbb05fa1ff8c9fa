"""The loop of labelling: what was chosen, sent and labelled, round after round."""

from selectlab.rounds.rounds import Rounds

__all__ = ["Rounds"]
