"""How strategies combine, and DIVERSITY and WEIGHTS, small enough to check in the head."""

from __future__ import annotations

import numpy as np
import pytest
from by_hand import DIVERSITY, GAIN, diversity, line, run, select

from selectlab.errors import SelectlabError


def test_the_product_of_objectives_decides() -> None:
    """Sums so far 20 and 10. a: 21.0 * 10.3 = 216.30, b: 20.8 * 10.8 = 224.64,
    c: 20.5 * 10.9 = 223.45: b, though a is best in the first and c in the second. Then
    a: 21.8 * 11.1 = 241.98, c: 21.3 * 11.7 = 249.21: c.
    """
    data = {
        "ids": ["a", "b", "c", "x"],
        "metadata": {"gain": [1.0, 0.8, 0.5, 20.0], "rarity": [0.3, 0.8, 0.9, 10.0]},
    }
    rarity = ({"type": "METADATA", "key": "rarity"}, {"type": "WEIGHTS"})
    assert select(data, GAIN, rarity, preselected=["x"], n_samples=3) == "b c a"


def test_strength_is_an_exponent() -> None:
    """2 * 3 = 6 < 1 * 7, but 2^2 * 3 = 12 > 1^2 * 7; strength -1 divides: 3/2 < 7/1."""
    data = {"ids": ["a", "b"], "metadata": {"gain": [2.0, 1.0], "other": [3.0, 7.0]}}
    other = ({"type": "METADATA", "key": "other"}, {"type": "WEIGHTS"})
    squared = (GAIN[0], {"type": "WEIGHTS", "strength": 2.0})
    inverse = (GAIN[0], {"type": "WEIGHTS", "strength": -1.0})
    assert select(data, GAIN, other, n_samples=1) == "b"
    assert select(data, squared, other, n_samples=1) == "a"
    assert select(data, inverse, other, n_samples=1) == "b"
    assert select(data, inverse, n_samples=1) == "b"


def test_strength_0_is_no_effect() -> None:
    """Without the weights all rows tie before the first pick, and the lowest id wins."""
    none = (GAIN[0], {"type": "WEIGHTS", "strength": 0.0})
    data = {**line(a=0, b=1, c=5), "metadata": {"gain": [1.0, 2.0, 9.0]}}
    assert select(data, DIVERSITY, none) == "a c b"


def test_weights_are_clamped_but_accumulate_raw() -> None:
    """With a the sum is -1. b makes it -3, d makes it -0.5; both are clamped to the same tiny
    number, so b wins the tie. Had the sum been clamped too, d would have won.
    """
    data = {"ids": ["a", "b", "d"], "metadata": {"gain": [-1.0, -2.0, 0.5]}}
    assert select(data, GAIN, preselected=["a"]) == "b d"
    assert select(data, GAIN) == "d a b"


def test_an_objective_of_0_counts_as_next_to_nothing() -> None:
    """b is x once more: 1e-300 * 1e13 against 1 * 1 for a, so a; with 1e301 it is b."""
    for gain, best in [(1e13, "a"), (1e301, "b")]:
        data = {**line(a=1, b=0, x=0), "metadata": {"gain": [1.0, gain, 0.0]}}
        assert select(data, DIVERSITY, GAIN, preselected=["x"], n_samples=1) == best


def test_farthest_first() -> None:
    """At 0, 1, 4, 10. All tie at first: a. Farthest from 0 is 10: d. Then 4 (4 from 0)
    beats 1 (1 from 0).
    """
    assert select(line(a=0, b=1, c=4, d=10), DIVERSITY) == "a d c b"


def test_farthest_first_from_the_preselected() -> None:
    """From 4: 10 is 6 away, 0 is 4 away, 1 is 3 away; then 0 is 4 away, 1 is 3 away; then
    1 is 1 away. The preselected sample is not counted.
    """
    found = run(line(a=0, b=1, c=4, d=10), DIVERSITY, preselected=["c"], n_samples=3)
    assert " ".join(found.ids) == "d a b"
    assert tuple(found.preselected) == ("c",)


def test_ties_go_to_the_lowest_id_in_any_order_of_the_files() -> None:
    """b at 0; a and c both 2 away, on two sides."""
    data = line(c=2, b=0, a=-2)
    assert select(data, DIVERSITY, preselected=["b"]) == "a c"


def test_unit_length_is_the_default() -> None:
    """a (1, 0), b (9, 0), c (0, 2): as they are, b is farthest from a; as directions b equals a."""
    data = {"ids": ["a", "b", "c"], "embeddings": np.array([[1.0, 0], [9, 0], [0, 2]])}
    assert select(data, DIVERSITY) == "a b c"
    assert select(data, ({"type": "EMBEDDINGS"}, {"type": "DIVERSITY"})) == "a c b"


def test_diversity_of_the_set_shrinks() -> None:
    """Selected at 0, 10 and 1, so D = 1 + 81 + 1 = 83. x at 6 is 4 from 10: D + 16 = 99;
    y at 3 is 2 from 1: D + 4 = 87. With weights 10 and 11.2, 990 > 974.4: x.
    Had D only grown (0 + 100 + 1 = 101), 117 * 10 = 1170 < 105 * 11.2 = 1176: y.
    """
    data = {
        **line(a=0, b=10, c=1, x=6, y=3),
        "metadata": {"gain": [0.0, 0.0, 0.0, 10.0, 11.2]},
    }
    assert select(data, DIVERSITY, GAIN, preselected=["a", "b", "c"], n_samples=1) == "x"


def test_a_candidate_does_not_change_the_distances_of_the_selected() -> None:
    """Selected at 0 and 10: D = 200. m at 5 counts 200 + 25, r at 12 counts 200 + 4: m. The
    true D afterwards would be 75 with m and 108 with r.
    """
    assert select(line(a=0, b=10, m=5, r=12), DIVERSITY, preselected=["a", "b"]) == "m r"


def test_weights_against_the_whole_set() -> None:
    """At 0, 3 and 4, weights 10, 10 and 5, a selected. D = 0, W = 10. b: 9 * 20 = 180,
    c: 16 * 15 = 240: c. Per-row products would say b: 9 * 10 = 90 > 16 * 5 = 80.
    """
    data = {**line(a=0, b=3, c=4), "metadata": {"gain": [10.0, 10.0, 5.0]}}
    assert select(data, DIVERSITY, GAIN, preselected=["a"]) == "c b"


def test_minimum_distance_compares_the_distance_not_its_square() -> None:
    """b is 0.75 from a (squared 0.5625): kept at 0.7, though 0.5625 < 0.7. In the other case
    b is 1.5 away (squared 2.25): dropped at 2, though 2.25 > 2.
    """
    assert select(line(a=0, b=0.75), diversity(0.7)) == "a b"
    assert select(line(a=0, b=1.5), diversity(2.0)) == "a"


def test_minimum_distance_is_strict() -> None:
    """Exactly at the distance is not closer than it."""
    assert select(line(a=0, b=0.5), diversity(0.5)) == "a b"
    assert select(line(a=0, b=0.5), diversity(0.5078125)) == "a"


def test_near_duplicates_far_from_the_origin() -> None:
    """2^-10 = 0.0009766 apart at 100: exact in float32, lost if |a|^2 + |b|^2 - 2ab is used."""
    data = line(a=100, b=100 + 2**-10)
    assert select(data, diversity(0.00097)) == "a b"
    assert select(data, diversity(0.00098)) == "a"


def test_duplicates_have_distance_0() -> None:
    """However small the distance asked for, a twin is closer; distance 0 lets it in."""
    twins = line(a=7, b=7, c=8)
    assert select(twins, diversity(1e-9)) == "a c"
    assert select(twins, diversity(0.0)) == "a c b"


def test_minimum_distance_stops_alone_and_skips_in_company() -> None:
    """At 0, 1, 5. Alone: a, c, then b is 1 < 2 away: the end. With gains: c first (9), then
    b: D = 0 + 16, W = 17 give 272, a: 25 * 10.8 = 270: b. Then a, (32 + 1) * 18.8 = 620,
    is better than d, (32 + 4) * 17 = 612, but 1 away from b: skipped, and d is taken.
    """
    data = {**line(a=0, b=1, c=5, d=7), "metadata": {"gain": [1.8, 8.0, 9.0, 0.0]}}
    assert select(line(a=0, b=1, c=5), diversity(2.0)) == "a c"
    assert select(data, diversity(2.0), GAIN) == "c b d"
    assert select(line(a=0, b=1, c=5), diversity(2.0, on_minimum_distance="skip")) == "a c"


def test_minimum_distance_that_is_told_to_stop() -> None:
    """c, a, then (D = 2 * 25, W = 100 + ...) b is the best row by far but 1 from a: the end,
    although d is 4 from c.
    """
    data = {**line(a=0, b=1, c=5, d=9), "metadata": {"gain": [50.0, 49.0, 51.0, 0.0]}}
    assert select(data, diversity(2.0, on_minimum_distance="stop"), GAIN) == "c a"
    assert select(data, diversity(2.0, on_minimum_distance="skip"), GAIN) == "c a d"


def test_thresholds_do_not_make_company() -> None:
    """A filter beside DIVERSITY leaves it alone: it stops."""
    data = {**line(a=0, b=1, c=5), "metadata": {"gain": [1.0, 8.0, 9.0]}}
    keep = (GAIN[0], {"type": "THRESHOLD", "threshold": 0.5, "operation": "BIGGER"})
    found = run(data, diversity(2.0), keep)
    assert " ".join(found.ids) == "a c"
    assert "distance" in found.stop_reason


def test_max_sum_ends_before_it_is_exceeded() -> None:
    """4 + 3 = 7 is not more than 7; 2 would be: the end, though e is worth nothing."""
    data = {"ids": list("abcde"), "metadata": {"gain": [2.0, 4.0, 1.0, 3.0, 0.0]}}
    limited = (GAIN[0], {"type": "WEIGHTS", "stopping_condition_max_sum": 7.0})
    assert select(data, limited) == "b d"
    assert select(data, limited, preselected=["c"]) == "b"


def test_max_sum_that_nothing_fits_is_an_error() -> None:
    """The only sample is worth more than the limit: no new sample, so an error."""
    data = {"ids": ["a"], "metadata": {"gain": [2.0]}}
    limited = (GAIN[0], {"type": "WEIGHTS", "stopping_condition_max_sum": 1.0})
    with pytest.raises(SelectlabError):
        select(data, limited)


def test_target_range_skips_what_exceeds_it() -> None:
    """4 + 3 = 7; 2 and 1 would exceed 7.5; 0.5 does not; then nothing fits but 0."""
    data = {"ids": list("abcdef"), "metadata": {"gain": [2.0, 4.0, 1.0, 3.0, 0.5, 0.0]}}
    bounded = (GAIN[0], {"type": "WEIGHTS", "target_range": {"min_sum": 5.0, "max_sum": 7.5}})
    assert select(data, bounded) == "b d e f"


def test_target_range_reports_a_sum_that_was_not_reached() -> None:
    """2 + 4 = 6 < 10 when everything is taken: not an error, but said."""
    data = {"ids": list("ab"), "metadata": {"gain": [2.0, 4.0]}}
    bounded = (GAIN[0], {"type": "WEIGHTS", "target_range": {"min_sum": 10.0, "max_sum": 20.0}})
    found = run(data, bounded)
    assert " ".join(found.ids) == "b a"
    assert any("min_sum 10" in note and "6" in note for note in found.warnings)
