"""The other strategies, objects, filters and sizes, small enough to check in the head."""

from __future__ import annotations

import itertools

import pytest
from by_hand import DIVERSITY, EMBEDDINGS, GAIN, OBJECTS, balance, line, objects, select, weather

from selectlab.errors import SelectlabError


def test_typicality_and_its_minimum() -> None:
    """At 0, 1, 2, 10 with 2 neighbours: distances a 1, 2; b 1, 1; c 1, 2; d 8, 9; their mean
    is 25 / 8 = 3.125. t = b 0.726, a and c (0.726 + 0.527) / 2 = 0.627, d 0.067. A minimum
    of 0.7 keeps b only; with squared distances a and c would have 0.88.
    """
    data = line(a=0, b=1, c=2, d=10)
    typical = {"type": "TYPICALITY", "num_nearest_neighbors": 2}
    assert select(data, (EMBEDDINGS, typical)) == "b a c d"
    assert select(data, (EMBEDDINGS, typical | {"strength": -1.0})) == "d a c b"
    minimum = {"stopping_condition_minimum_typicality": 0.7}
    assert select(data, (EMBEDDINGS, typical | minimum)) == "b"
    minimum = {"stopping_condition_minimum_typicality": 0.6}
    assert select(data, (EMBEDDINGS, typical | minimum)) == "b a c"


def test_typicality_of_duplicates_is_1() -> None:
    """No distances at all: every row ties, and a minimum of 1 is not undercut."""
    typical = {"type": "TYPICALITY", "stopping_condition_minimum_typicality": 1.0}
    assert select(line(b=4, a=4, c=4), (EMBEDDINGS, typical)) == "a b c"


def test_similarity_uses_the_mean_distance() -> None:
    """Query at 0; the pool is 0, 1, 3, 4 away, 2 on average: e^0, e^-0.5 = 0.607,
    e^-1.5 = 0.223, e^-2 = 0.135. With gains 0.1, 1, 3, 1 the products are 0.1, 0.607,
    0.669, 0.135: c. With squared distances (mean 6.5) b would win, 0.857 to 0.751.
    """
    data = {
        **line(a=0, b=1, c=3, d=4),
        "metadata": {"gain": [0.1, 1.0, 3.0, 1.0]},
        "tags": {"query": ["a"]},
    }
    similar = (EMBEDDINGS | {"tag_name": "query"}, {"type": "SIMILARITY"})
    assert select(data, similar) == "a b c d"
    assert select(data, similar, GAIN, n_samples=1) == "c"


def test_similarity_to_twins_of_the_query_is_1() -> None:
    """All distances 0: a tie."""
    data = {**line(b=4, a=4, c=4), "tags": {"query": ["c"]}}
    similar = (EMBEDDINGS | {"tag_name": "query"}, {"type": "SIMILARITY"})
    assert select(data, similar) == "a b c"


def test_balance_with_a_target() -> None:
    """Target 3/4 sun, 1/4 fog. First a: CE 1/4 * 23 against 3/4 * 23. Then fog: half and
    half costs log 2 = 0.69, sun again 5.8. Then the rest.
    """
    assert select(weather("sun", "sun", "sun", "fog"), balance(sun=0.75, fog=0.25)) == "a d b c"


def test_balance_ties_between_classes_go_to_the_lowest_id() -> None:
    """Equal shares: whatever is still missing is as good as the rest of it, in any order."""
    for kinds in itertools.permutations(["sun", "rain", "fog", "snow", "wind"]):
        data = {"ids": list("abcde"), "metadata": {"weather": list(kinds)}}
        given = {"type": "METADATA", "key": "weather"}
        uniform = (given, {"type": "BALANCE", "distribution": "UNIFORM"})
        assert select(data, uniform) == "a b c d e"
        assert select(data, balance(**dict.fromkeys(kinds, 0.2))) == "a b c d e"


def test_balance_merges_the_other_classes() -> None:
    """Target 1/2 fog, so 1/2 for sun and rain together. All tie at first: a (sun). Rain
    would keep fog at 0: c (fog). b (rain) and d (fog) both make it 2 to 1: b.
    """
    assert select(weather("sun", "rain", "fog", "fog"), balance(fog=0.5)) == "a c b d"


def test_balance_with_a_perfect_match_in_company() -> None:
    """Everything sun is a perfect match, cross entropy 0: it must win, not be unselectable."""
    data = weather("fog", "sun", "sun")
    data["metadata"]["gain"] = [1.0, 1.0, 2.0]
    assert select(data, balance(sun=1.0), GAIN) == "c b a"


def test_balance_uniform_and_input() -> None:
    """Three sun, one fog. UNIFORM: half each, so after two sun fog. INPUT: 3/4 and 1/4, as in
    the example with that target.
    """
    data = weather("sun", "sun", "sun", "fog")
    given = {"type": "METADATA", "key": "weather"}
    uniform = (given, {"type": "BALANCE", "distribution": "UNIFORM"})
    assert select(data, uniform, preselected=["a", "b"]) == "d c"
    same = (given, {"type": "BALANCE", "distribution": "INPUT"})
    assert select(data, same) == "a d b c"


def test_balance_adds_up_probabilities() -> None:
    """Target half and half, x (car 3/4, bus 1/4) selected: a (1/4, 3/4) makes it even."""
    import pandas as pd

    rows = [[0.25, 0.75], [0.0, 1.0], [0.5, 0.5], [0.75, 0.25]]
    data = {
        "ids": ["a", "b", "c", "x"],
        "predictions": {"what": pd.DataFrame(rows, columns=["car", "bus"])},
    }
    given = {"type": "PREDICTIONS", "name": "CLASS_DISTRIBUTION", "task": "what"}
    even = (given, {"type": "BALANCE", "target": {"car": 0.5, "bus": 0.5}})
    assert select(data, even, preselected=["x"], n_samples=1) == "a"


def test_objects_count_with_their_mean_and_join_with_all() -> None:
    """Objects at a: 0; b: 2 and 8; c: 5.5. From a: b has (4 + 64) / 2 = 34, c has 30.25: b,
    though its nearest is nearer. Then c is 2.5 from the 8. Nothing in d: last.
    """
    assert select(objects(d=[], a=[0], b=[2, 8], c=[5.5]), (OBJECTS, {"type": "DIVERSITY"})) == (
        "a b c d"
    )


def test_samples_without_objects_rank_last_whatever_the_strength() -> None:
    """Strength -1 prefers the near: b, c (1 away), d. a has no objects: last, though it is the
    lowest id and the first pick is a tie.
    """
    near = (OBJECTS, {"type": "DIVERSITY", "strength": -1.0})
    assert select(objects(a=[], b=[0], c=[1], d=[5]), near) == "b c d a"


@pytest.mark.parametrize("kind", ["DIVERSITY", "SIMILARITY", "TYPICALITY"])
def test_when_no_sample_left_has_objects_all_tie(kind: str) -> None:
    """Only a has an object, and a filter removes it: b and c have nothing to be judged by."""
    data = objects(a=[0], b=[], c=[])
    data |= {"metadata": {"gain": [1.0, 2.0, 3.0]}, "tags": {"query": ["a"]}}
    keep = (GAIN[0], {"type": "THRESHOLD", "threshold": 1.5, "operation": "BIGGER"})
    tag = {"tag_name": "query"} if kind == "SIMILARITY" else {}
    assert select(data, (OBJECTS | tag, {"type": kind}), keep) == "b c"


def test_no_objects_in_one_strategy_counts_nothing_there() -> None:
    """Selected is x with faces at 0 and 10 (D = 200) and a plate at 0 (D = 0). a has no faces
    and a plate at 3: 9. b has no plates and a face at 1: 201. Both lack one: b. Had the empty
    strategies counted too, 200 * 9 would beat 201 * 0.
    """
    faces, plates = objects(x=[0, 10], b=[1], a=[]), objects(x=[0], a=[3], b=[])
    data = {"ids": ["a", "b", "x"]}
    data["object_embeddings"] = {
        "face": faces["object_embeddings"]["det"],
        "plate": plates["object_embeddings"]["det"],
    }
    far = {"type": "DIVERSITY"}
    pairs = (OBJECTS | {"task": "face"}, far), (OBJECTS | {"task": "plate"}, far)
    assert select(data, *pairs, preselected=["x"], n_samples=2) == "b a"


def test_minimum_distance_of_objects_is_the_root_mean_square() -> None:
    """b's objects are 3 and 4 from a's: root of (9 + 16) / 2 = 3.54; their mean is 3.5."""
    data = objects(a=[0], b=[3, 4])
    at = {"type": "DIVERSITY", "stopping_condition_minimum_distance": 3.52}
    assert select(data, (OBJECTS, at)) == "a b"
    at = {"type": "DIVERSITY", "stopping_condition_minimum_distance": 3.55}
    assert select(data, (OBJECTS, at)) == "a"


def test_similarity_of_objects_is_their_best() -> None:
    """Query is q's object at 0. b has one at 1 and one at 50, c two at 2: b is nearer."""
    data = {**objects(b=[1, 50], c=[2, 2], q=[0]), "tags": {"query": ["q"]}}
    similar = (OBJECTS | {"tag_name": "query"}, {"type": "SIMILARITY"})
    assert select(data, similar) == "q b c"


def test_similarity_of_all_objects_adds_up() -> None:
    """Query at 0; objects 0, 0, 4 and 12 away, 4 on average. x, selected, has the first two
    and so a sum of 1 + 1. a: (2 + e^-1) * 1 = 2.37, b: (2 + e^-3) * 1.2 = 2.46: b. With the
    better object alone, 1.37 * 1 would beat 1.05 * 1.2.
    """
    data = {**objects(a=[4], b=[12], x=[0, 0]), "tags": {"query": ["x"]}}
    data["metadata"] = {"gain": [1.0, 1.2, 0.0]}
    similar = (OBJECTS | {"tag_name": "query"}, {"type": "SIMILARITY"})
    assert select(data, similar, GAIN, preselected=["x"], n_samples=1) == "b"


def test_neighbours_far_from_the_origin() -> None:
    """The distances of the two examples above, divided by 8, at 4000: exact in float32, lost
    if |a|^2 + |b|^2 - 2ab chooses the neighbours, for it is off by 1 there.
    """
    data = line(a=4000, b=4000.125, c=4000.25, d=4001.25, e=4000.5)
    data["tags"] = {"query": ["a", "e"]}
    typical = {"type": "TYPICALITY", "num_nearest_neighbors": 2}
    assert (
        select(line(a=4000, b=4000.125, c=4000.25, d=4001.25), (EMBEDDINGS, typical)) == "b a c d"
    )
    # distances to the nearer of 4000 and 4000.5: a 0, b 1/8, c 2/8, d 6/8, e 0
    similar = (EMBEDDINGS | {"tag_name": "query"}, {"type": "SIMILARITY"})
    assert select(data, similar) == "a e b c d"


@pytest.mark.parametrize(
    ("share", "expected"), [(0.5, "e d c"), (0.49, "e d"), (0.01, "e"), (1.0, "e d c b")]
)
def test_proportion_is_of_the_whole_input_rounded_half_up(share: float, expected: str) -> None:
    """Of 5 samples, one of them filtered out: 2.5 is 3, 2.45 is 2, 0.05 is 1, 5 is all left."""
    data = {"ids": list("abcde"), "metadata": {"gain": [1.0, 2.0, 3.0, 4.0, 5.0]}}
    keep = (GAIN[0], {"type": "THRESHOLD", "threshold": 1.0, "operation": "BIGGER"})
    assert select(data, GAIN, keep, proportion_samples=share) == expected
    assert select(data, GAIN, keep, proportion_samples=share, n_samples=-1) == expected


@pytest.mark.parametrize(
    ("operation", "expected"),
    [("SMALLER", "a"), ("SMALLER_EQUAL", "b a"), ("BIGGER", "c"), ("BIGGER_EQUAL", "c b")],
)
def test_threshold_operations(operation: str, expected: str) -> None:
    """Gains 1, 2, 3 and a threshold of 2."""
    data = {"ids": list("abc"), "metadata": {"gain": [1.0, 2.0, 3.0]}}
    keep = (GAIN[0], {"type": "THRESHOLD", "threshold": 2, "operation": operation})
    assert select(data, GAIN, keep) == expected


def test_thresholds_join_with_and_and_spare_the_preselected() -> None:
    """More than 1 and less than 4 leaves b and c; e is preselected and stays, at 5 from c."""
    data = {**line(a=0, b=1, c=5, d=9, e=10), "metadata": {"gain": [1.0, 2.0, 3.0, 4.0, 5.0]}}
    above = (GAIN[0], {"type": "THRESHOLD", "threshold": 1, "operation": "BIGGER"})
    below = (GAIN[0], {"type": "THRESHOLD", "threshold": 4, "operation": "SMALLER"})
    assert select(data, DIVERSITY, above, below) == "b c"
    assert select(data, DIVERSITY, above, below, preselected=["e"]) == "b c"
    assert select(data, DIVERSITY, above, below, preselected=["e", "a"]) == "c b"


def test_missing_values_are_excluded() -> None:
    """b has no gain: it cannot be compared, so it is left out."""
    data = {"ids": list("abc"), "metadata": {"gain": [1.0, None, 3.0]}}
    assert select(data, GAIN) == "c a"


def test_nothing_new_is_an_error() -> None:
    """Only c passes; with c preselected nothing new is left."""
    data = {"ids": list("abc"), "metadata": {"gain": [1.0, 2.0, 3.0]}}
    keep = (GAIN[0], {"type": "THRESHOLD", "threshold": 2, "operation": "BIGGER"})
    assert select(data, GAIN, keep) == "c"
    with pytest.raises(SelectlabError):
        select(data, GAIN, keep, preselected=["c"])


def test_tiny_scales_rank_like_large_ones() -> None:
    """At 0, 1, 4, 10 times 1e-9: squared distances of 1e-18 rank as those of 1."""
    scaled = line(a=0.0, b=1e-9, c=4e-9, d=1e-8)
    assert select(scaled, DIVERSITY) == "a d c b"
