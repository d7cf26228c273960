"""Converts text to subword ids and back in the graph, without loss for any text.

A word is cut into the longest pieces of the vocabulary, from left to right. A character missing
from the vocabulary becomes its UTF-8 bytes, so nothing is unknown. Only string operations of
TensorFlow's core are used, vectorised over the distinct words of a batch.

The vocabulary file has one subword per line; the line number is the id. It has four special
symbols, 256 bytes written `<0x00>` to `<0xFF>`, the masks of protected parts, then the learned
pieces. Older vocabularies have no masks.
"""

from collections.abc import Sequence

import tensorflow as tf

from text.characters import MASKS, WORD_START
from text.normal_form import normalise, split_words

PAD, UNKNOWN, START, END = range(4)
SPECIAL_SYMBOLS = ("<pad>", "<unk>", "<s>", "</s>")
BYTE_SYMBOLS = tuple(f"<0x{byte:02X}>" for byte in range(256))
RESERVED = len(SPECIAL_SYMBOLS) + len(BYTE_SYMBOLS)
FIRST_BYTE = len(SPECIAL_SYMBOLS)
MASK_IDS = range(RESERVED, RESERVED + len(MASKS))
_MISSING = -1


def vocabulary_lines(pieces: list[str]) -> list[str]:
    """Returns the lines of a vocabulary file for the learned pieces."""
    return [*SPECIAL_SYMBOLS, *BYTE_SYMBOLS, *MASKS, *pieces]


def has_masks(vocabulary: Sequence[str]) -> bool:
    """Whether a vocabulary has the masks of protected parts, at `MASK_IDS`."""
    return tuple(vocabulary[MASK_IDS.start : MASK_IDS.stop]) == MASKS


def read_vocabulary(path: str) -> list[str]:
    """Reads a vocabulary file; the position in the list is the id.

    Raises:
      ValueError: the file does not begin with the special symbols and the bytes.
    """
    with tf.io.gfile.GFile(path, "rb") as file:
        lines = file.read().decode("utf-8").removesuffix("\n").split("\n")
    if tuple(lines[:RESERVED]) != SPECIAL_SYMBOLS + BYTE_SYMBOLS:
        raise ValueError(
            f"{path} is not a subword vocabulary: the special symbols and bytes do not come first"
        )
    return lines


class SubwordEncoder:
    """Converts text to subword ids."""

    def __init__(self, vocabulary_path: str | tf.Tensor, max_piece_characters: int):
        """Makes the lookup table.

        Args:
          vocabulary_path: the vocabulary file; a tensor during Transform's tracing.
          max_piece_characters: the longest piece, in characters.
        """
        self._max_piece_characters = max_piece_characters
        self.table = tf.lookup.StaticHashTable(
            tf.lookup.TextFileInitializer(
                vocabulary_path,
                tf.string,
                tf.lookup.TextFileIndex.WHOLE_LINE,
                tf.int64,
                tf.lookup.TextFileIndex.LINE_NUMBER,
            ),
            default_value=_MISSING,
        )

    def __call__(self, text: tf.Tensor, *, keep_no_break: bool = False) -> tf.RaggedTensor:
        """Encodes raw texts.

        Args:
          text: string [batch], normalised here.
          keep_no_break: as for `normalise`: whether the texts are targets.

        Returns:
          Ragged int64 [batch, subwords]; no start or end symbol.
        """
        return self.encode_normalised(normalise(text, keep_no_break=keep_no_break))

    def encode_normalised(self, text: tf.Tensor) -> tf.RaggedTensor:
        """Encodes normalised texts, which may hold masks; as `__call__`."""
        return self.encode_split(split_words(text))

    def encode_split(self, words: tf.RaggedTensor) -> tf.RaggedTensor:
        """Encodes the words of texts, ragged string [batch, words]; as `__call__`."""
        distinct, occurrence = tf.unique(words.flat_values)
        ids = tf.gather(self.encode_words(distinct), occurrence)
        return words.with_flat_values(ids).merge_dims(1, 2)

    def encode_words(self, words: tf.Tensor) -> tf.RaggedTensor:
        """Cuts each word into the longest pieces, all words in parallel.

        The shapes are [words] -> ragged [words, subwords].
        """
        lengths = tf.strings.length(words, unit="UTF8_CHAR")
        found = tf.TensorArray(tf.int64, size=0, dynamic_size=True, element_shape=[None, 4])

        def cut(step: tf.Tensor, position: tf.Tensor, found: tf.TensorArray) -> tuple:
            ids, taken = self._longest_piece(words, lengths, position)
            return step + 1, position + taken, found.write(step, ids)

        _, _, found = tf.while_loop(
            lambda step, position, _: (step == 0) | tf.reduce_any(position < lengths),
            cut,
            [0, tf.zeros_like(lengths), found],
        )
        table = tf.reshape(tf.transpose(found.stack(), [1, 0, 2]), [tf.size(words), -1])
        return tf.ragged.boolean_mask(table, table != _MISSING)

    def _longest_piece(
        self, words: tf.Tensor, lengths: tf.Tensor, position: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Takes the next piece of every word.

        Returns:
          ids int64 [words, 4], padded with -1 (a character outside the vocabulary has up to four
          bytes), and the number of characters taken, int32 [words].
        """
        rest = tf.strings.substr(words, position, lengths - position, unit="UTF8_CHAR")
        sizes = tf.range(self._max_piece_characters, 0, -1)
        shape = [tf.size(words), self._max_piece_characters]
        candidates = tf.strings.substr(
            tf.broadcast_to(rest[:, None], shape),
            tf.zeros(shape, tf.int32),
            tf.broadcast_to(sizes, shape),
            unit="UTF8_CHAR",
        )
        ids = self.table.lookup(candidates)
        first = tf.argmax(ids != _MISSING, axis=1)
        piece = tf.gather(ids, first, batch_dims=1)
        is_known = piece != _MISSING
        is_left = position < lengths

        character = candidates[:, -1]
        as_bytes = (
            tf.cast(tf.io.decode_raw(character, tf.uint8, fixed_length=4), tf.int64) + FIRST_BYTE
        )
        as_bytes = tf.where(tf.sequence_mask(tf.strings.length(character), 4), as_bytes, _MISSING)
        as_piece = tf.pad(piece[:, None], [[0, 0], [0, 3]], constant_values=_MISSING)
        chosen = tf.where(is_known[:, None], as_piece, as_bytes)
        taken = tf.where(is_known, tf.minimum(tf.gather(sizes, first), lengths - position), 1)
        return tf.where(is_left[:, None], chosen, _MISSING), tf.where(is_left, taken, 0)


class SubwordDecoder:
    """Converts subword ids to text."""

    def __init__(self, vocabulary: list[str]):
        """Makes constants from the vocabulary, since a text file cannot contain arbitrary bytes."""
        self._symbols = tf.constant(vocabulary)
        self._contents = tf.constant(
            [b""] * len(SPECIAL_SYMBOLS)
            + [bytes([byte]) for byte in range(256)]
            + [piece.encode("utf-8") for piece in vocabulary[RESERVED:]]
        )

    def symbols(self, ids: tf.Tensor) -> tf.Tensor:
        """Returns the vocabulary's entries for ids, string of the same shape."""
        return tf.gather(self._symbols, ids)

    def __call__(self, ids: tf.Tensor) -> tf.Tensor:
        """Decodes ids.

        Args:
          ids: integer [..., subwords]; special symbols are left out.

        Returns:
          string [...], valid UTF-8 for any ids.
        """
        marked = tf.strings.reduce_join(tf.gather(self._contents, ids), axis=-1)
        # Only a hypothesis cut within a character has other bytes, at its end.
        marked = tf.strings.unicode_transcode(marked, "UTF-8", "UTF-8", errors="ignore")
        return tf.strings.strip(tf.strings.regex_replace(marked, WORD_START, " "))
