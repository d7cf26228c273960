import math

import pytest
import sacrebleu

from benchmarks.common.protocols import (
    bleu_by_length,
    cased_bleu,
    chrf,
    lowercase_and_tokenise,
    lowercased_tokenised_bleu,
    p_value_of_gain,
)

# Texts with the output of the scripts for the tokenised Multi30k (Moses's lowercase.perl,
# normalize-punctuation.perl -l de and tokenizer.perl -l de, 3a0631a). Each phenomenon occurs in the
# published file, and was compared with it.
TOKENISED = {
    "capitals and a full stop": ("Ein Hund läuft.", "ein hund läuft ."),
    "a comma": ("Der Mann, der liest", "der mann , der liest"),
    "a hyphen": ("ein schwarz-weißer Hund", "ein schwarz-weißer hund"),
    "quotes": ('Das Boot "Anna" sinkt', "das boot &quot; anna &quot; sinkt"),
    "an apostrophe": ("das McDonald's-Menü", "das mcdonald &apos; s-menü"),
    "brackets": ("Zwei (ein Kind und ein Hund) rennen", "zwei ( ein kind und ein hund ) rennen"),
    "a number sign": ("Die #8 wirft", "die # 8 wirft"),
}


@pytest.mark.parametrize("name", TOKENISED)
def test_text_is_lowercased_and_tokenised_as_the_published_multi30k(name: str) -> None:
    text, expected = TOKENISED[name]
    assert lowercase_and_tokenise(text, "de") == expected


def test_the_tokenised_bleu_is_that_of_its_definition() -> None:
    # By hand (Papineni et al., 2002): of the hypothesis's n-grams 7 of 8, 5 of 7, 3 of 6 and 2 of 5
    # match, and it is as long as the reference: the fourth root of 1/8.
    score = lowercased_tokenised_bleu(
        ["Ein Mann in einem roten Hut läuft."], ["Ein Mann in einem roten Hemd läuft."], "de"
    )
    assert score.value == pytest.approx(100 * (1 / 8) ** (1 / 4))


def test_the_tokenised_bleu_is_blind_to_capitals_and_to_the_shape_of_quotes() -> None:
    hypothesis, reference = "DAS BOOT „ANNA“ SINKT.", 'Das Boot "Anna" sinkt.'
    assert lowercased_tokenised_bleu([hypothesis], [reference], "de").value == pytest.approx(100)
    assert cased_bleu([hypothesis], [reference]).value < 50


def test_the_tokenised_bleu_is_not_smoothed() -> None:
    hypotheses, references = ["ein hund läuft schnell"], ["ein hund läuft langsam"]
    assert lowercased_tokenised_bleu(hypotheses, references, "de").value == 0
    assert cased_bleu(hypotheses, references).value > 0


def test_the_cased_scores_are_sacrebleus_defaults() -> None:
    hypotheses = ["Der Hund beißt den Mann.", "Zwei Kinder spielen im Garten."]
    references = ["Der Hund biss den Mann.", "Zwei Kinder spielen in einem Garten."]
    bleu = sacrebleu.corpus_bleu(hypotheses, [references]).score
    assert cased_bleu(hypotheses, references).value == pytest.approx(bleu)
    assert chrf(hypotheses, references).value == pytest.approx(
        sacrebleu.corpus_chrf(hypotheses, [references]).score
    )


def test_each_score_says_how_it_was_made() -> None:
    texts = ["Der Hund beißt den Mann."]
    version = f"version:{sacrebleu.__version__}"
    assert cased_bleu(texts, texts).signature == (
        f"nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|{version}"
    )
    assert chrf(texts, texts).signature.startswith("nrefs:1|case:mixed|eff:yes|nc:6|nw:0")
    assert lowercased_tokenised_bleu(texts, texts, "de").signature.startswith(
        f"nrefs:1|case:lc|eff:no|tok:none|smooth:none|{version}|moses:de|sacremoses:"
    )


def test_sentences_are_scored_by_the_words_of_their_source() -> None:
    sources = ["a short one", "word " * 11, "word " * 30, "one more short"]
    references = [
        "ein kurzer Satz ist das", "ein langer Satz ist das", "ein sehr langer Satz ist das",
        "noch ein kurzer Satz hier",
    ]  # fmt: skip
    hypotheses = [*references[:1], "etwas ganz anderes steht da", *references[2:]]
    scores = bleu_by_length(sources, hypotheses, references)
    assert list(scores) == ["01-10", "11-20", "21-30", "31+"]
    assert [score.sentences for score in scores.values()] == [2, 1, 1, 0]
    assert [score.bleu for score in scores.values()][:3] == pytest.approx([100, 0, 100])
    assert math.isnan(scores["31+"].bleu)


REFERENCES = [f"der Satz mit der Nummer {number} ist hier zu lesen" for number in range(30)]
WORSE = [reference.replace("ist hier", "hier ist") for reference in REFERENCES]


def test_a_gain_on_every_sentence_is_no_chance() -> None:
    assert p_value_of_gain(REFERENCES, WORSE, REFERENCES, seed=1) == pytest.approx(1 / 1001)


def test_a_loss_is_no_gain() -> None:
    assert p_value_of_gain(WORSE, REFERENCES, REFERENCES, seed=1) == 1


def test_equal_translations_are_no_gain() -> None:
    assert p_value_of_gain(WORSE, WORSE, REFERENCES, seed=1) == 1
