"""The SavedModel for TensorFlow Serving: text in, translation and attention out.

    serving_default   text -> the best translation, with the attention weights of that hypothesis
    n_best            text -> all hypotheses of the beam
    score             text, target -> log-probabilities and attention of a given translation
    serve_examples    serialized tf.Example -> translation and attention, for Evaluator and
                      BulkInferrer
    source_attention  text -> where an encoder of self-attention looks; other exports lack it

All tensors are dense and padded, with their lengths as further outputs; `serve_examples` returns
one string per text and output. The end symbol `</s>` is the last real token on both sides and has a
row and a column of the attention. A text of white space only has an empty translation without
tokens.
"""

import json
import os
from collections.abc import Collection

import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import model_pb2, predict_pb2, prediction_log_pb2

from serving.contract import layout
from serving.doubt.kinds import KINDS
from text.normal_form import normalise
from trainer.beam_search import Hypotheses
from trainer.doubt import CalibrationText, calibrate, surprise
from trainer.ensemble import AnyModel
from trainer.masks import (
    Masked,
    mask,
    mask_target,
    ordered_masks,
    put_accelerator,
    unmask,
    unmask_symbols,
    uses_masks,
)
from trainer.model_card import as_markdown
from trainer.recasing import Recaser, in_capitals, is_in_capitals
from trainer.self_attention_encoder import SelfAttentionEncoder
from trainer.settings import DecodingSettings, SubwordSettings
from trainer.shortlist import Shortlist
from trainer.subwords import (
    END,
    MASK_IDS,
    PAD,
    RESERVED,
    SubwordDecoder,
    SubwordEncoder,
    read_vocabulary,
)
from trainer.translation import force, score, search

Outputs = dict[str, tf.Tensor]
EXAMPLES_AT_ONCE = 32
_WIDTHS = 8
"""oneDNN prepares each product anew for each new shape, and keeps a thousand for each thread."""
EXAMPLE_OUTPUTS = ("translation", "source_tokens", "target_tokens", "attention")
WARMUP_INPUTS = {
    "serving_default": ("text",),
    "n_best": ("text",),
    "score": ("text", "target"),
    "source_attention": ("text",),
}
"""Signatures for requests of a server's clients, with their inputs. Evaluator and BulkInferrer use
`serve_examples` without a server, so it needs no warm-up."""


class ServingModel(tf.Module):
    """A trained model with its vocabulary, as functions from text to text."""

    def __init__(
        self,
        model: AnyModel,
        vocabulary_path: str,
        subwords: SubwordSettings,
        decoding: DecodingSettings,
        surprisal: np.ndarray | None = None,
        shortlist: Shortlist | None = None,
    ):
        super().__init__()
        self.model = model
        self._decoding = decoding
        self._shortlist = shortlist
        self._max_piece_characters = subwords.max_piece_characters
        self._vocabulary = tf.saved_model.Asset(vocabulary_path)
        self._encode = SubwordEncoder(self._vocabulary, subwords.max_piece_characters)
        # An attribute of the module, so the table is initialised when the model is loaded.
        self._table = self._encode.table
        self._recase = Recaser(self._encode.encode_words)
        vocabulary = read_vocabulary(vocabulary_path)
        self._decode = SubwordDecoder(vocabulary)
        self._masks = uses_masks(model, vocabulary)
        self._surprisal = None if surprisal is None else tf.Variable(surprisal, trainable=False)
        self.limits = tf.Variable(tf.zeros([1 + len(KINDS)]), trainable=False)
        """The usual ratio of the lengths and the limits of `serving.doubt.kinds`."""

    @tf.function(autograph=False, input_signature=[tf.TensorSpec([None], tf.string, name="text")])
    def serving_default(self, text: tf.Tensor) -> Outputs:
        """Returns the best translation: the first hypothesis of `n_best`, without the beam axis."""
        outputs = self._translate(text)
        per_beam = (
            "translation",
            "score",
            "target_tokens",
            "attention",
            "target_length",
            "truncated",
        )
        return {name: value[:, 0] if name in per_beam else value for name, value in outputs.items()}

    @tf.function(autograph=False, input_signature=[tf.TensorSpec([None], tf.string, name="text")])
    def n_best(self, text: tf.Tensor) -> Outputs:
        """Returns all translations of the beam, best first."""
        return self._translate(text)

    @tf.function(
        autograph=False,
        input_signature=[
            tf.TensorSpec([None], tf.string, name="text"),
            tf.TensorSpec([None], tf.string, name="target"),
        ],
    )
    def score(self, text: tf.Tensor, target: tf.Tensor) -> Outputs:
        """Scores given translations of texts, both string [batch]."""
        source = self._mask(normalise(text))
        translation = normalise(target, keep_no_break=True)
        if self._masks:
            translation = mask_target(translation, source)
        source_ids, source_cut = self._ids(source.text)
        target_ids, target_cut = self._ids(translation)
        log_probs, attention = force(self.model, source_ids, target_ids, self._shortlist)
        return {
            "token_log_probability": log_probs,
            "score": score(source_ids, target_ids, log_probs, attention, self._decoding),
            "source_tokens": self._symbols(source_ids, source),
            "target_tokens": self._symbols(target_ids, source),
            "attention": attention,
            "source_length": tf.math.count_nonzero(source_ids, axis=1, dtype=tf.int32),
            "target_length": tf.math.count_nonzero(target_ids, axis=1, dtype=tf.int32),
            "truncated": source_cut | target_cut,
        }

    def source_attention(self, text: tf.Tensor) -> Outputs:
        """Returns where each source position looks; in an ensemble that of the first model.

        TensorFlow would trace a decorated method in every export, and not all have such encoders.
        """
        masked = self._mask(normalise(text))
        source_ids, is_cut = self._ids(self._recase(masked.text))
        is_real = tf.not_equal(source_ids, PAD)
        is_pair = is_real[:, None, None, :, None] & is_real[:, None, None, None, :]
        weights = self.model.members[0].self_attention(source_ids)
        return {
            "source_tokens": self._symbols(source_ids, masked),
            "source_length": tf.math.count_nonzero(source_ids, axis=1, dtype=tf.int32),
            "self_attention": tf.where(is_pair, weights, 0.0),
            "truncated": is_cut,
        }

    @tf.function(
        autograph=False, input_signature=[tf.TensorSpec([None], tf.string, name="examples")]
    )
    def serve_examples(self, examples: tf.Tensor) -> Outputs:
        """Translates the feature `source` of serialized examples.

        Beam makes batches of a thousand and more texts of any length. They are translated in small
        groups of similar length, so one long text does not increase the padding of all others.

        Returns:
          string [batch, 1] each: `translation`; `source_tokens` and `target_tokens`, separated by
          spaces; `attention`, a serialized float32 tensor [target, source].
        """
        features = tf.io.parse_example(examples, {"source": tf.io.FixedLenFeature([], tf.string)})
        text = features["source"]
        order = tf.argsort(tf.strings.length(text))
        found = tf.TensorArray(tf.string, 0, True, infer_shape=False, element_shape=[None, None])

        def translate(step: tf.Tensor, found: tf.TensorArray) -> tuple:
            start = step * EXAMPLES_AT_ONCE
            some = tf.gather(text, order[start : start + EXAMPLES_AT_ONCE])
            return step + 1, found.write(step, _as_strings(self._translate(some)))

        _, found = tf.while_loop(
            lambda step, _: (step == 0) | (step * EXAMPLES_AT_ONCE < tf.size(text)),
            translate,
            (0, found),
            parallel_iterations=1,
        )
        in_order = tf.gather(found.concat(), tf.math.invert_permutation(order))
        return {name: in_order[:, place, None] for place, name in enumerate(EXAMPLE_OUTPUTS)}

    def _mask(self, text: tf.Tensor) -> Masked:
        """Masks the protected parts of normalised texts, if the model has masks."""
        if self._masks:
            return mask(text)
        nothing = tf.fill(tf.shape(text), "")
        return Masked(text, tf.repeat(nothing[:, None], len(MASK_IDS), axis=1), nothing)

    def _ids(self, text: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Encodes normalised texts of any length, in bounded time.

        Returns:
          int64 [batch, longest], with end symbols, padded; and whether a text was cut, [batch].
        """
        # The kept pieces cannot reach further, and a longer text is still recognised as too long.
        reach = self._decoding.max_source_tokens * self._max_piece_characters
        start = tf.strings.substr(text, 0, reach, unit="UTF8_CHAR")
        return _with_end(self._encode.encode_normalised(start), self._decoding.max_source_tokens)

    def _symbols(
        self, ids: tf.Tensor, masked: Masked, is_capital: tf.Tensor | None = None
    ) -> tf.Tensor:
        """Returns the subwords of ids, with an empty string on padding.

        Args:
          ids: integer [batch, ...].
          masked: tells what masks stand for.
          is_capital: whether to write the pieces in capitals, bool [batch].
        """
        symbols = tf.where(tf.equal(ids, PAD), "", self._decode.symbols(ids))
        if is_capital is not None:
            symbols = in_capitals(symbols, is_capital[:, None, None] & (ids >= RESERVED))
        return unmask_symbols(symbols, ids, masked.parts) if self._masks else symbols

    def _translate(self, text: tf.Tensor) -> Outputs:
        given = normalise(text)
        masked = self._mask(given)
        read = self._recase(masked.text)
        source_ids, source_cut = self._ids(read)
        found = search(
            self.model,
            source_ids,
            self._decoding,
            shortlist=self._shortlist,
            masks=MASK_IDS if self._masks else range(0),
            ordered=ordered_masks(masked.parts) if self._masks else None,
        )
        found = _without_empty_sources(found, tf.equal(given, ""))
        # If PDF is read as PDF, nothing says that the text around it would be in capitals.
        is_capital = is_in_capitals(masked.text) & tf.not_equal(read, masked.text)
        translation = in_capitals(self._decode(found.ids), is_capital[:, None])
        translation = put_accelerator(translation, masked.accelerator)
        return {
            **self._doubt(source_ids, read),
            "translation": unmask(translation, masked.parts),
            "score": found.scores,
            "source_tokens": self._symbols(source_ids, masked),
            "target_tokens": self._symbols(found.ids, masked, is_capital),
            "attention": found.attention,
            "source_length": tf.math.count_nonzero(source_ids, axis=1, dtype=tf.int32),
            "target_length": found.lengths,
            "truncated": source_cut[:, None] | ~found.ended,
        }

    def _doubt(self, source_ids: tf.Tensor, read: tf.Tensor) -> Outputs:
        """Returns what a client needs to doubt a translation, unless the export knows nothing."""
        if self._surprisal is None:
            return {}
        found = surprise(source_ids, read, self._surprisal)[:, None]
        return {"doubt": tf.concat([found, tf.repeat(self.limits[None], tf.size(read), 0)], axis=1)}


def _as_strings(outputs: Outputs) -> tf.Tensor:
    """Converts the best hypothesis of each text to `EXAMPLE_OUTPUTS`, string [batch, 4]."""

    def serialise(weights: tuple) -> tf.Tensor:
        attention, targets, sources = weights
        return tf.io.serialize_tensor(attention[:targets, :sources])

    attention = tf.map_fn(
        serialise,
        (outputs["attention"][:, 0], outputs["target_length"][:, 0], outputs["source_length"]),
        fn_output_signature=tf.string,
    )
    # Padding has empty symbols, and no symbol of the vocabulary contains a space.
    tokens = [
        tf.strings.strip(tf.strings.reduce_join(symbols, axis=1, separator=" "))
        for symbols in (outputs["source_tokens"], outputs["target_tokens"][:, 0])
    ]
    return tf.stack([outputs["translation"][:, 0], *tokens, attention], axis=1)


def _with_end(ids: tf.RaggedTensor, max_tokens: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Appends end symbols and pads.

    Returns:
      int64 [batch, longest, rounded up to a multiple of `_WIDTHS`], each row of at most
      `max_tokens` ids; and whether a row was cut to this length, bool [batch].
    """
    is_cut = ids.row_lengths() > max_tokens - 1
    ids = ids[:, : max_tokens - 1]
    ends = tf.fill([ids.nrows(), 1], tf.constant(END, tf.int64))
    table = tf.concat([ids, ends], axis=1).to_tensor(PAD)
    longest = tf.maximum(tf.shape(table)[1], 1)  # 0 for a batch without texts
    missing = (longest + _WIDTHS - 1) // _WIDTHS * _WIDTHS - tf.shape(table)[1]
    return tf.pad(table, [[0, 0], [0, missing]], constant_values=PAD), is_cut


def _without_empty_sources(found: Hypotheses, is_empty: tf.Tensor) -> Hypotheses:
    """Replaces the hypotheses of empty texts by ones without tokens, with score 0."""
    gone = is_empty[:, None]
    return Hypotheses(
        ids=tf.where(gone[:, :, None], PAD, found.ids),
        lengths=tf.where(gone, 0, found.lengths),
        scores=tf.where(gone, 0.0, found.scores),
        attention=tf.where(gone[:, :, None, None], 0.0, found.attention),
        ended=gone | found.ended,
    )


def export_model(
    folder: str,
    model: AnyModel,
    vocabulary_path: str,
    subwords: SubwordSettings,
    decoding: DecodingSettings,
    *,
    card: dict[str, object],
    warmup_text: str,
    calibration: CalibrationText | None = None,
    shortlist: Shortlist | None = None,
) -> None:
    """Writes the SavedModel with its warm-up requests and its model card.

    Args:
      folder: the SavedModel's folder.
      model: computes in float32; it is prepared here to serve in `decoding.precision`.
      vocabulary_path: the subword vocabulary, which becomes an asset.
      subwords: settings of this vocabulary.
      decoding: settings of the search.
      card: the model card, JSON values (`trainer.model_card`); written as JSON and as text.
      warmup_text: an ordinary sentence. TensorFlow Serving translates and scores it before a
        version becomes available.
      calibration: the text to set the limits of its warnings on; without, clients give only those
        warnings that need no limits.
      shortlist: the target subwords to choose from; by default the whole vocabulary.
    """
    model.prepare_to_serve(tf.as_dtype(decoding.precision), choosing=shortlist is not None)
    surprisal = calibration.surprisal if calibration else None
    serving = ServingModel(model, vocabulary_path, subwords, decoding, surprisal, shortlist)
    limits = calibrate(serving.serving_default, calibration) if calibration else {}
    if limits:
        serving.limits.assign(list(limits.values()))
    signatures = {
        "serving_default": serving.serving_default,
        "n_best": serving.n_best,
        "score": serving.score,
        "serve_examples": serving.serve_examples,
    }
    if isinstance(model.members[0].encoder, SelfAttentionEncoder):
        signatures["source_attention"] = tf.function(
            serving.source_attention,
            autograph=False,
            input_signature=[tf.TensorSpec([None], tf.string, name="text")],
        )
    # The written gradients of recurrent layers are for training.
    options = tf.saved_model.SaveOptions(experimental_custom_gradients=False)
    tf.saved_model.save(serving, folder, signatures=signatures, options=options)
    tf.io.gfile.makedirs(os.path.join(folder, layout.EXTRA))
    with tf.io.gfile.GFile(os.path.join(folder, layout.MODEL_CARD), "w") as file:
        file.write(json.dumps(card, indent=2, ensure_ascii=False) + "\n")
    with tf.io.gfile.GFile(os.path.join(folder, layout.READABLE_MODEL_CARD), "w") as file:
        file.write(as_markdown(card))
    if limits:
        with tf.io.gfile.GFile(os.path.join(folder, layout.DOUBT), "w") as file:
            file.write(json.dumps(limits, indent=2) + "\n")
    with tf.io.TFRecordWriter(os.path.join(folder, layout.WARMUP_REQUESTS)) as records:
        for request in _warmup_requests(warmup_text, signatures):
            records.write(prediction_log_pb2.PredictionLog(predict_log=request).SerializeToString())


def _warmup_requests(text: str, signatures: Collection[str]) -> list[prediction_log_pb2.PredictLog]:
    """Makes one request for each signature.

    TensorFlow prepares the graph at the first request for all outputs of a signature, which takes
    as long as dozens of translations. Further sizes and lengths take no preparation.
    """
    requests = []
    for signature, inputs in WARMUP_INPUTS.items():
        if signature not in signatures:
            continue
        request = predict_pb2.PredictRequest(
            model_spec=model_pb2.ModelSpec(signature_name=signature)
        )
        for name in inputs:
            request.inputs[name].CopyFrom(tf.make_tensor_proto([text]))
        requests.append(prediction_log_pb2.PredictLog(request=request))
    return requests
