"""A SavedModel with the signatures of a real export: a dictionary instead of a network.

It translates word by word, and each target word attends to its source word. With `fault` it breaks
one rule of the contract.
"""

from pathlib import Path

import tensorflow as tf

DICTIONARY = {"the": "die", "cat": "Katze", "is": "ist", "on": "auf", "mat": "Matte"}
MAX_WORDS = 64
BEAM = 2
LAYERS, HEADS = 2, 3
OWN_WEIGHT = 0.9
"""Weight of a target token on its source token; the rest is spread over all real ones."""

ENDLESS_WORD = "zebra"

Outputs = dict[str, tf.Tensor]


class StandIn(tf.Module):
    """The graph of the stand-in."""

    def __init__(self, fault: str | None, pipe: str | None) -> None:
        super().__init__()
        self.fault = fault
        self.pipe = pipe
        self.dictionary = tf.lookup.StaticHashTable(
            tf.lookup.KeyValueTensorInitializer(list(DICTIONARY), list(DICTIONARY.values())), ""
        )

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="text")])
    def serving_default(self, text: tf.Tensor) -> Outputs:
        return self._break(self._translate(text), text)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="text")])
    def n_best(self, text: tf.Tensor) -> Outputs:
        best = self._translate(text)
        per_hypothesis = set(best) - {"source_tokens", "source_length"}
        hypotheses = {
            name: tf.stack([value] * BEAM, axis=1) if name in per_hypothesis else value
            for name, value in best.items()
        }
        upper = tf.strings.upper(best["translation"], encoding="utf-8")
        hypotheses["translation"] = tf.stack([best["translation"], upper], axis=1)
        hypotheses["score"] += tf.constant([0.0, -1.0])
        return hypotheses

    @tf.function(
        input_signature=[
            tf.TensorSpec([None], tf.string, name="text"),
            tf.TensorSpec([None], tf.string, name="target"),
        ]
    )
    def score(self, text: tf.Tensor, target: tf.Tensor) -> Outputs:
        source, target_words = _words(text), _words(target)
        decoded = self._decoded(source[:, :MAX_WORDS], target_words[:, :MAX_WORDS], ends_empty=True)
        is_cut = (source.row_lengths() > MAX_WORDS) | (target_words.row_lengths() > MAX_WORDS)
        real = tf.sequence_mask(decoded["target_length"], tf.shape(decoded["target_tokens"])[1])
        return {
            **decoded,
            "token_log_probability": tf.where(real, -0.5, 0.0),
            "truncated": is_cut,
        }

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="text")])
    def source_attention(self, text: tf.Tensor) -> Outputs:
        words = _words(text)
        source = words[:, :MAX_WORDS]
        decoded = self._decoded(source, source, ends_empty=True)
        heads = tf.repeat(decoded["attention"][:, tf.newaxis], HEADS, axis=1)
        return {
            "source_tokens": decoded["source_tokens"],
            "source_length": decoded["source_length"],
            "self_attention": tf.repeat(heads[:, tf.newaxis], LAYERS, axis=1),
            "truncated": words.row_lengths() > MAX_WORDS,
        }

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def serve_examples(self, examples: tf.Tensor) -> Outputs:
        features = {"source": tf.io.FixedLenFeature([], tf.string)}
        text = tf.io.parse_example(examples, features)["source"]
        if self.pipe is not None:
            is_there = tf.reduce_any(tf.strings.regex_full_match(text, f".*{ENDLESS_WORD}.*"))
            # A constant path would already be read while the graph is optimised.
            path = tf.where(is_there, self.pipe, "")
            waited = tf.cond(is_there, lambda: tf.io.read_file(path), lambda: tf.constant(""))
            with tf.control_dependencies([waited]):
                text = tf.identity(text)
        outputs = self._break(self._translate(text), text)
        strings = {"translation": outputs["translation"]}
        for name in ("source_tokens", "target_tokens"):
            joined = tf.strings.reduce_join(outputs[name], axis=1, separator=" ")
            strings[name] = tf.strings.strip(joined)
        if "attention" in outputs:
            strings["attention"] = tf.map_fn(
                lambda row: tf.io.serialize_tensor(row[0][: row[1], : row[2]]),
                tuple(outputs[name] for name in ("attention", "target_length", "source_length")),
                fn_output_signature=tf.string,
            )
        return {name: value[:, tf.newaxis] for name, value in strings.items()}

    def _translate(self, text: tf.Tensor) -> Outputs:
        words = _words(text)
        source = words[:, :MAX_WORDS]
        found = self.dictionary.lookup(tf.strings.lower(source.flat_values))
        if self.fault == "copies_source":
            found = source.flat_values
        target = source.with_flat_values(tf.where(found == "", source.flat_values, found))
        return {
            "translation": tf.strings.reduce_join(target, axis=1, separator=" "),
            **self._decoded(source, target, ends_empty=False),
            "truncated": words.row_lengths() > MAX_WORDS,
        }

    def _decoded(
        self, source: tf.RaggedTensor, target: tf.RaggedTensor, *, ends_empty: bool
    ) -> Outputs:
        """Adds end symbols and padding, and makes the attention."""
        has_end = tf.ones_like(target.row_lengths()) if ends_empty else target.row_lengths() > 0
        sources, targets = _with_end(source, source.row_lengths() >= 0), _with_end(target, has_end)
        source_length, target_length = (
            tf.cast(side.row_lengths(), tf.int32) for side in (sources, targets)
        )
        source_tokens, target_tokens = sources.to_tensor(), targets.to_tensor()
        width, height = tf.shape(source_tokens)[1], tf.shape(target_tokens)[1]
        real_source = tf.cast(tf.sequence_mask(source_length, width), tf.float32)
        real_target = tf.cast(tf.sequence_mask(target_length, height), tf.float32)
        place = tf.minimum(tf.range(height)[tf.newaxis], source_length[:, tf.newaxis] - 1)
        own = tf.one_hot(place, width)
        even = real_source / tf.reduce_sum(real_source, axis=1, keepdims=True)
        attention = OWN_WEIGHT * own + (1 - OWN_WEIGHT) * even[:, tf.newaxis, :]
        return {
            "score": -0.1 * tf.cast(target_length, tf.float32),
            "source_tokens": source_tokens,
            "target_tokens": target_tokens,
            "attention": attention * real_target[:, :, tf.newaxis],
            "source_length": source_length,
            "target_length": target_length,
        }

    def _break(self, outputs: Outputs, text: tf.Tensor) -> Outputs:
        """Breaks the rule named by `fault` in the outputs.

        Applies to `serving_default` and, for the outputs it has, to `serve_examples`.
        """
        attention, translation, score = (
            outputs[name] for name in ("attention", "translation", "score")
        )
        match self.fault:
            case "nan_score":
                return outputs | {"score": score * float("nan")}
            case "all_empty":
                return outputs | {"translation": tf.zeros_like(translation)}
            case "attention_sum":
                return outputs | {"attention": attention * 0.5}
            case "batch_dependent":
                size = tf.strings.as_string(tf.size(text))
                changed = translation + tf.where(translation == "", "", size)
                return outputs | {"translation": changed}
            case "fails_on_long_text":
                short = tf.debugging.assert_less(tf.strings.length(text), 1000)
                with tf.control_dependencies([short]):
                    return outputs | {"score": tf.identity(score)}
            case "prints":
                tf.print("} this is not JSON", output_stream="file:///dev/stdout")
            case "hangs":
                (endless,) = tf.while_loop(lambda x: x >= 0, lambda x: (x + 0,), [tf.constant(0)])
                return outputs | {"score": score + tf.cast(endless, tf.float32)}
            case "python_function":
                changed = tf.numpy_function(lambda value: value, [score], tf.float32)
                return outputs | {"score": tf.ensure_shape(changed, [None])}
            case "missing_output":
                del outputs["attention"]
        return outputs


def _words(text: tf.Tensor) -> tf.RaggedTensor:
    text = tf.strings.unicode_transcode(text, "UTF-8", "UTF-8", errors="replace")
    return tf.strings.split(tf.strings.regex_replace(text, r"[\p{Z}\p{Cc}]+", " "))


def _with_end(words: tf.RaggedTensor, has_end: tf.Tensor) -> tf.RaggedTensor:
    ends = tf.RaggedTensor.from_row_lengths(
        tf.repeat("</s>", tf.math.count_nonzero(has_end)), tf.cast(has_end, tf.int64)
    )
    return tf.concat([words.with_flat_values("\u2581" + words.flat_values), ends], axis=1)


def export_standin(folder: Path, fault: str | None = None, pipe: str | None = None) -> str:
    """Writes the stand-in as a SavedModel.

    Args:
      folder: the folder to write to, made if it is missing.
      fault: the rule to break: a case of `_break`, a fault handled in the code above it, or
        `copies_source` or `missing_signature`.
      pipe: path of a named pipe; a batch of examples with `ENDLESS_WORD` waits for a write to it.

    Returns:
      The folder, as a string.
    """
    standin = StandIn(fault, pipe)
    signatures = {
        "serving_default": standin.serving_default,
        "n_best": standin.n_best,
        "score": standin.score,
        "serve_examples": standin.serve_examples,
        "source_attention": standin.source_attention,
    }
    if fault == "missing_signature":
        del signatures["n_best"]
    tf.saved_model.save(standin, str(folder), signatures=signatures)
    return str(folder)
