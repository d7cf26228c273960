"""Words of a text: strings between white space, without the punctuation around them."""

_AROUND_WORDS = ".,;:!?…()[]{}<>\"'`´„“”‚‘’«»‹›"


def words_of(text: str) -> list[str]:
    """Splits a text into words; each has a letter or a digit."""
    stripped = (word.strip(_AROUND_WORDS) for word in text.split())
    return [word for word in stripped if any(character.isalnum() for character in word)]
