"""Keys to find sentences that differ only in case, digits and punctuation."""

import hashlib
import re
import unicodedata

NO_LETTERS = re.compile(r"[\W\d_]+")


def comparison_key(text: str) -> str:
    """Returns a key shared by near-duplicates: lower case, without digits and punctuation.

    The key of a text without letters is the text itself, normalised.
    """
    folded = unicodedata.normalize("NFKC", text).lower()
    return NO_LETTERS.sub(" ", folded).strip() or " ".join(folded.split())


def text_hash(text: str) -> int:
    """Returns 64 bits that stand for a text: the first of its SHA-256.

    Of a hundred million texts, two different ones have the same with a probability of 0.03 %.
    """
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big")
