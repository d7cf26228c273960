import numpy as np

from serving.contract.translation import (
    Translation,
    read_n_best,
    read_translation,
)

SOURCE = ("▁The", "▁c", "at", "▁sleeps", ".", "</s>")
TARGET = ("▁Die", "▁Kat", "ze", "▁schläft", ".", "</s>")


def make_translation(source=SOURCE, target=TARGET, attention=None, seed=1) -> Translation:
    """Returns a translation; by default its attention is random, with rows summing to 1."""
    if attention is None:
        attention = np.random.default_rng(seed).dirichlet(np.ones(len(source)), len(target))
    return Translation(
        text="",
        score=-1.0,
        source_tokens=tuple(source),
        target_tokens=tuple(target),
        attention=np.asarray(attention, np.float32).reshape(len(target), len(source)),
        truncated=False,
    )


def make_response(batch=2, beam=3, targets=4, sources=5) -> dict[str, np.ndarray]:
    """Returns a padded answer of `n_best`; every value shows its position."""
    axes = np.indices((batch, beam, targets, sources))
    return {
        "translation": np.array(
            [[f"{b}-{k}".encode() for k in range(beam)] for b in range(batch)], object
        ),
        "score": -np.arange(batch * beam, dtype=np.float32).reshape(batch, beam),
        "source_tokens": np.array(
            [[f"s{b}.{s}".encode() for s in range(sources)] for b in range(batch)], object
        ),
        "target_tokens": np.array(
            [
                [[f"t{b}.{k}.{t}".encode() for t in range(targets)] for k in range(beam)]
                for b in range(batch)
            ],
            object,
        ),
        "attention": (axes * np.array([1000, 100, 10, 1]).reshape(4, 1, 1, 1, 1))
        .sum(axis=0)
        .astype(np.float32),
        "source_length": np.full(batch, sources - 1, np.int32),
        "target_length": np.full((batch, beam), targets - 2, np.int32),
        "truncated": np.zeros((batch, beam), bool),
    }


def test_the_beam_is_read_per_hypothesis_and_cut_to_its_real_lengths():
    translation = read_n_best(make_response(), row=1)
    third = translation.n_best[2]
    assert third.text == "1-2"
    assert third.target_tokens == ("t1.2.0", "t1.2.1")
    assert third.source_tokens == ("s1.0", "s1.1", "s1.2", "s1.3")
    np.testing.assert_array_equal(
        third.attention, 1200 + np.array([[0, 1, 2, 3], [10, 11, 12, 13]])
    )


def test_the_best_hypothesis_of_the_beam_is_the_translation():
    translation = read_n_best(make_response(), row=0)
    assert translation.text == translation.n_best[0].text == "0-0"


def test_a_source_repeated_for_each_hypothesis_is_read_alike():
    response = make_response()
    repeated = dict(response)
    for name in ("source_tokens", "source_length"):
        repeated[name] = np.stack([response[name]] * 3, axis=1)
    expected, actual = (read_n_best(each, row=1) for each in (response, repeated))
    assert actual.n_best[2].source_tokens == expected.n_best[2].source_tokens


def test_one_flag_for_the_whole_beam_is_read_for_each_hypothesis():
    response = make_response() | {"truncated": np.array([False, True])}
    assert [each.truncated for each in read_n_best(response, row=1).n_best] == [True] * 3


def test_a_single_answer_is_cut_to_its_real_lengths():
    best = {
        name: array if name.startswith("source") else array[:, 0]
        for name, array in make_response().items()
    }
    translation = read_translation(best, row=1)
    assert translation.attention.shape == (2, 4)
    assert translation.text == "1-0"
