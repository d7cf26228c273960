import numpy as np
import tensorflow as tf

from text.characters import MASKS
from trainer.masks import mask, mask_target, ordered_masks, put_accelerator, unmask, unmask_symbols
from trainer.subwords import END, MASK_IDS

TEXTS = ["Delete %s from %(folder)s?", "Plain.", "", 'A <a href="x">link</a>, 50 % off']


def strings(tensor):
    return np.vectorize(bytes.decode, otypes=[object])(tensor.numpy()).tolist()


def test_each_part_becomes_a_mask():
    masked = mask(tf.constant(TEXTS))
    first, second, *_ = MASKS
    assert strings(masked.text) == [
        f"Delete {first} from {second}?",
        "Plain.",
        "",
        f"A {first}link{second}, 50 % off",
    ]
    assert [[part for part in row if part] for row in strings(masked.parts)] == [
        ["%s", "%(folder)s"],
        [],
        [],
        ['<a href="x">', "</a>"],
    ]
    assert masked.parts.shape[1] == len(MASKS)


def test_texts_without_parts_stay():
    masked = mask(tf.constant(TEXTS[1:3]))
    assert strings(masked.text) == TEXTS[1:3]
    assert strings(unmask(masked.text, masked.parts)) == TEXTS[1:3]


def test_no_texts_have_no_masks():
    masked = mask(tf.zeros([0], tf.string))
    assert masked.text.shape == [0]
    assert unmask(masked.text, masked.parts).shape == [0]


def test_unmasking_gives_the_text_again():
    masked = mask(tf.constant(TEXTS))
    assert strings(unmask(masked.text, masked.parts)) == TEXTS


def test_hypotheses_have_the_parts_of_their_own_source():
    masked = mask(tf.constant(["%s of %d", "%i"]))
    first, second, *_ = MASKS
    hypotheses = tf.constant([[f"{second}, {first}", first], [f"nur {first}", "nichts"]])
    assert strings(unmask(hypotheses, masked.parts)) == [["%d, %s", "%s"], ["nur %i", "nichts"]]


def test_parts_beyond_the_masks_stay_in_the_text():
    text = " ".join(f"%{number}" for number in range(1, len(MASKS) + 4))
    masked = mask(tf.constant([text]))
    assert strings(masked.text)[0].endswith(f"{MASKS[-1]} %17 %18 %19")
    assert strings(unmask(masked.text, masked.parts)) == [text]


def test_a_translation_gets_the_masks_of_equal_parts():
    source = mask(tf.constant(["%s and %s at http://a.b/", "x"]))
    target = tf.constant(["Bei http://a.b/ %s, %s und %s oder %d", "y %s"])
    first, second, third, *_ = MASKS
    assert strings(mask_target(target, source)) == [
        f"Bei {third} {first}, {second} und %s oder %d",
        "y %s",
    ]


def test_the_mark_of_a_shortcut_goes_to_the_first_letter():
    masked = mask(tf.constant(["Save _As", "E&xit", "snake_case"]))
    assert strings(masked.text) == ["Save As", "Exit", "snake_case"]
    translations = tf.constant([["»Speichern« unter", ""], ["Beenden", "5"], ["snake_case", "x"]])
    assert strings(put_accelerator(translations, masked.accelerator)) == [
        ["»_Speichern« unter", ""],
        ["&Beenden", "5"],
        ["snake_case", "x"],
    ]


def test_symbols_show_what_the_masks_stand_for():
    ids = tf.constant([[MASK_IDS[1], 300, MASK_IDS[0], END]])
    symbols = tf.constant([["?", "▁a", "?", "</s>"]])
    parts = tf.constant([["%s", "<a b>", *[""] * (len(MASKS) - 2)]])
    assert strings(unmask_symbols(symbols, ids, parts)) == [["<a▁b>", "▁a", "%s", "</s>"]]


def test_parts_filled_by_their_place_have_an_order():
    masked = mask(tf.constant(["%(a)s and %s and %d%% <b> {} {0}", "x"]))
    assert ordered_masks(masked.parts).numpy().tolist() == [0b100110, 0]
