import re

from components.parallel_text import feature_problem
from pipeline.corpora.packages.registry import DESCRIPTIONS, DOMAINS, KINDS, SOURCES


def test_every_kind_is_used_and_every_source_has_one() -> None:
    assert {source.kind for source in SOURCES} == set(KINDS)


def test_every_domain_may_be_a_feature_and_differs_from_the_descriptions() -> None:
    assert not any(map(feature_problem, DOMAINS))
    assert DESCRIPTIONS not in DOMAINS


def test_every_name_is_a_pattern_and_named_once_in_a_kind() -> None:
    for source in SOURCES:
        names = source.packages.split()
        assert len(names) == len(set(names))
        for name in names:
            re.compile(name.replace("{language}", "pt-br").replace("{iso3}", "por"))
