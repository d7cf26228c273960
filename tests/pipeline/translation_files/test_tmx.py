import pytest

from pipeline.errors import UserError
from pipeline.translation_files.filling import fill
from pipeline.translation_files.tmx import read_tmx
from tests.translation_files import shouted

MEMORY = """\
<?xml version="1.0"?>
<!DOCTYPE tmx SYSTEM "tmx14.dtd">
<tmx version="1.4"><header srclang="en"/><body>
  <tu tuid="1">
    <tuv xml:lang="en-US"><seg>Yes &amp; no</seg></tuv>
    <tuv xml:lang="fr"><seg>Oui</seg></tuv>
  </tu>
  <tu><tuv xml:lang="DE-de"><seg>Ja</seg></tuv><tuv xml:lang="EN"><seg>Yes</seg></tuv></tu>
  <tu><tuv lang="en"><seg>No</seg></tuv><tuv lang="de" changeid="x"><seg/></tuv></tu>
  <tu><tuv xml:lang="fr"><seg>Non</seg></tuv></tu>
</body></tmx>
"""
MARK = '<prop type="x-state">needs-review-translation</prop>'


def test_a_missing_language_is_written_beside_the_source() -> None:
    result = fill(read_tmx("a.tmx", MEMORY.encode(), ("en", "de")), shouted)
    assert result.content.decode() == MEMORY.replace(
        "Yes &amp; no</seg></tuv>",
        f'Yes &amp; no</seg></tuv>\n    <tuv xml:lang="de">{MARK}<seg>YES &amp; NO</seg></tuv>',
    ).replace("<seg/>", f"{MARK}<seg>NO</seg>")
    assert result.counts == {"filled": 2, "translated": 1}


def test_languages_that_are_missing_are_named() -> None:
    with pytest.raises(
        UserError, match="a.tmx has no text in 'ja', but in DE-de, EN, de, en, en-US, fr"
    ):
        read_tmx("a.tmx", MEMORY.encode(), ("ja", "de"))
    with pytest.raises(UserError, match="the model's languages must be known"):
        read_tmx("a.tmx", MEMORY.encode(), (None, None))
