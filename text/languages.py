"""Language codes, such as `de`, `pt_BR` or `sr@latin`."""

import re

LANGUAGE_CODE = r"^[a-z]{2,3}([-_@][A-Za-z0-9]+)*$"
"""The pattern of a code: ISO 639, then regions, scripts and variants."""


def is_language_code(code: str) -> bool:
    """Whether a text has the form of a code; the language itself may not exist."""
    return re.fullmatch(LANGUAGE_CODE, code) is not None
