"""The fingerprints equal pyfarmhash's; the golden values come from its version 0.3.2."""

from importlib.metadata import version

import pytest

from scripts.farmhash import farmhash

GOLDEN = [  # one for each range of lengths in the 32-bit algorithm
    ("", 3696677242, 11160318154034397263),
    ("a", 1016544589, 12917804110809363939),
    ("Grün", 3249987196, 15303858878758047323),
    ("attention", 3290788302, 12449073272387666668),
    ("translation weights", 3164400910, 6074731594690172854),
    (
        "Neural machine translation by jointly learning to align and translate",
        1211771636,
        3466053582066255559,
    ),
]


@pytest.mark.parametrize(("text", "fingerprint", "_"), GOLDEN)
def test_the_32_bit_fingerprint_is_that_of_pyfarmhash(text, fingerprint, _):
    assert farmhash.fingerprint32(text) == fingerprint


@pytest.mark.parametrize(("text", "_", "fingerprint"), GOLDEN)
def test_the_64_bit_fingerprint_is_that_of_pyfarmhash(text, _, fingerprint):
    assert farmhash.fingerprint64(text) == fingerprint


def test_the_environment_holds_this_module_under_the_name_that_its_user_asks_for():
    assert version("pyfarmhash") == "0.3.2+attention.nmt"
