import json

import pytest

from trainer.model_card import as_markdown, make_card
from trainer.settings import DecodingSettings, ModelSettings, SubwordSettings, TrainingSettings

HISTORY = [
    {
        "epoch": 1,
        "step": 10,
        "seconds": 2.0,
        "validation_loss": 3.0,
        "validation_bleu": 5.0,
        "validation_chrf": 20.0,
    },
    {
        "epoch": 2,
        "step": 20,
        "seconds": 1.5,
        "validation_loss": 2.0,
        "validation_bleu": 9.5,
        "validation_chrf": 21.5,
    },
    {
        "epoch": 3,
        "step": 30,
        "seconds": 1.5,
        "validation_loss": 2.1,
        "validation_bleu": 9.0,
        "validation_chrf": 22.0,
    },
]
DATA = {
    "name": "manuals",
    "origin": "our shelf\nand drawer",
    "licence": "CC BY 4.0",
    "pairs": {"train": 12345, "validation": 10, "test": 10},
}


def card(**model):
    sections = {
        "model": ModelSettings(**model),
        "decoding": DecodingSettings(),
        "subwords": SubwordSettings(),
        "training": TrainingSettings(),
    }
    record = {
        "name": "manuals",
        "source_language": "en",
        "target_language": "de",
        "corpus": "manuals",
        "corpus_checksum": "c" * 64,
        "seed": 1,
        "data": DATA,
        "configuration": {name: each.model_dump(mode="json") for name, each in sections.items()},
    }
    return make_card(
        record, machine="CPU, float32", history=HISTORY, sizes={"parameters": 4_900_000}
    )


def test_the_card_is_json():
    assert json.loads(json.dumps(card())) == card()


def test_the_card_keeps_what_the_pipeline_recorded():
    assert card()["data"] == DATA
    assert card()["corpus_checksum"] == "c" * 64


def test_the_card_tells_which_epoch_was_exported():
    training = card()["training"]
    assert training["exported_epoch"] == 2
    assert (training["validation_bleu"], training["validation_chrf"]) == (9.5, 21.5)
    assert (training["epochs"], training["steps"], training["seconds"]) == (3, 30, 5.0)


@pytest.mark.parametrize(
    ("attention", "paper"),
    [
        ("bahdanau", "arXiv:1409.0473"),
        ("luong_dot", "arXiv:1508.04025"),
        ("luong_general", "arXiv:1508.04025"),
        ("multi_head", "arXiv:1706.03762"),
        ("none", "arXiv:1409.3215"),
    ],
)
def test_the_card_cites_the_mechanism_that_the_model_has(attention, paper):
    found = card(attention=attention, attend_embeddings=False)
    assert paper in found["citations"][0]


def test_copying_is_cited_where_the_model_copies():
    assert any("Copying" in each for each in card(copying=True)["citations"])
    assert not any("Copying" in each for each in card(copying=False)["citations"])
    assert not any("Copying" in each for each in card(attention="none")["citations"])


def test_a_model_that_cannot_copy_is_said_to_change_names():
    assert any("Names and numbers" in each for each in card(copying=False)["limits"])
    assert not any("Names and numbers" in each for each in card(copying=True)["limits"])


def test_the_text_for_people_has_the_facts():
    text = as_markdown(card())
    assert text.startswith("# manuals\n")
    for fact in ("CC BY 4.0", "en to de", "train: 12,345 pairs", "parameters: 4,900,000", "report"):
        assert fact in text


def test_a_fact_of_several_lines_stays_one_item():
    assert "- origin: our shelf and drawer\n" in as_markdown(card())


def test_markup_in_a_fact_stays_text():
    text = as_markdown({"data": {"licence": "<script>"}})
    assert "- licence: &lt;script&gt;\n" in text


def test_a_card_that_knows_little_says_little():
    assert as_markdown({"name": "tiny"}) == "# tiny\n"


def test_self_attention_is_named_with_its_source() -> None:
    text = as_markdown(
        card(
            encoder="self_attention",
            decoder="self_attention",
            decoder_units=256,
            encoder_layers=4,
            decoder_layers=3,
        )
    )
    assert "Encoder: 4 self-attention (4 heads) layer(s) of 256 units" in text
    assert "Decoder: 3 self-attention (4 heads) layer(s) of 256 units" in text
    assert "Attention Is All You Need" in text
    assert "Bahdanau" not in text
    assert "Attention: bahdanau" not in text


def test_a_card_of_an_older_version_is_written() -> None:
    old = card()
    for key in ("encoder", "decoder", "feed_forward_units", "attention_layer"):
        del old["configuration"]["model"][key]
    assert "Encoder: 1 bidirectional GRU layer(s) of 256 units" in as_markdown(old)
