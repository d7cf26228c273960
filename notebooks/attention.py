# %% [markdown]
# # Attention, from its equations to a trained model and its heatmaps
#
# This notebook walks through the chapter "Sequence-to-Sequence Learning, Part 2" with the modules of this project: first
# its equations on numbers that can be checked by hand, then models that learn a small language in a few minutes, their
# heatmaps and how to read them, other kinds of attention on the same sentence, and a model of real text. Section numbers are
# the chapter's.
#
# The source of this notebook is `attention.py` in the same folder: edit that file, and `make notebook` runs it from top to
# bottom and writes the `.ipynb` with its outputs.

# %%
import logging
import sys
import tempfile
from pathlib import Path

ROOT = next(each for each in (Path.cwd(), Path.cwd().parent) if (each / "trainer").is_dir())
sys.path.insert(0, str(ROOT))

from serving.local.tensorflow_library import import_tensorflow

import_tensorflow()  # without its chatter

import numpy as np
import tensorflow as tf
from IPython.display import Image, display
from matplotlib import pyplot as plt

from benchmarks.alignment import aligned_language
from serving.attention.alignment import align_words, as_pharaoh
from serving.attention.diagnostics import classify, diagnose_translation, measure
from serving.attention.words import attention_of_words
from serving.contract.translation import Translation
from serving.heatmap.matrix import make_heatmap
from serving.heatmap.picture import draw_picture
from serving.local.model import LocalModel
from serving.versions.directory import live_version
from trainer.bahdanau_attention import BahdanauAttention
from trainer.settings import DecodingSettings, ModelSettings, TrainingSettings
from trainer.training import TrainingData, train
from trainer.translation import force, search

logging.getLogger("trainer").setLevel(logging.ERROR)

# %% [markdown]
# ## The bottleneck (section 1)
#
# A basic sequence-to-sequence model reads the whole sentence and keeps one vector of it, of the same size for three words
# and for fifty. The decoder must produce the whole translation from this vector. Attention (section 2) keeps all of the
# encoder's states instead, and lets the decoder choose, for each word it writes, the states to attend to.
#
# ## The equations on small numbers (sections 3 and 4)
#
# Three source words have the encoder states $h_1, h_2, h_3$, of two numbers each; the decoder is in state $s_t$. The
# alignment score of Bahdanau, Cho and Bengio is
#
# $$e_{ti} = v^\top \tanh(W_q s_t + W_k h_i).$$

# %%
h = np.array([[1.0, -1.0], [0.0, 1.0], [-1.0, -1.0]])  # encoder states, [source, 2]
s = np.array([0.0, 2.0])  # a decoder state
W_q = np.array([[1.0, 0.0], [0.0, 0.5]])
W_k = np.array([[1.0, 0.0], [0.0, 1.0]])
v = np.array([1.0, 3.0])

e = np.tanh(s @ W_q + h @ W_k) @ v
print("scores", e.round(3))

# %% [markdown]
# By hand, for the second word: $W_q s_t = (0, 1)$ and $W_k h_2 = (0, 1)$, so
# $e_{t2} = 1 \cdot \tanh(0) + 3 \cdot \tanh(2) = 2.892$. It fits this query best.
#
# The softmax turns the scores into weights: none is negative and they sum to 1. The context vector is the mean of the
# states with these weights,
#
# $$\alpha_{ti} = \frac{\exp e_{ti}}{\sum_j \exp e_{tj}}, \qquad c_t = \sum_i \alpha_{ti} h_i.$$

# %%
alpha = np.exp(e) / np.exp(e).sum()
c = alpha @ h
print("weights", alpha.round(3), "sum", alpha.sum().round(3))
print("context", c.round(3))

# %% [markdown]
# The same numbers through [`trainer/attention.py`](../trainer/attention.py), the code of the served models. It takes whole
# batches, `[batch, target, source]`, computes $W_k h_i$ once for each sentence, and has a mask, so the weight of padding is
# exactly 0. In the second call the third word is padding.

# %%
attention = BahdanauAttention(np.random.default_rng(1), query_units=2, state_units=2, units=2)
attention.W_q.kernel.assign(W_q)
attention.W_k.kernel.assign(W_k)
attention.v.assign(v[:, None])

states, queries = tf.constant(h[None], tf.float32), tf.constant(s[None, None], tf.float32)
for mask in ([True, True, True], [True, True, False]):
    memory = attention.remember(states, states[:, -1], tf.constant([mask]))
    context, weights = attention(queries, memory)
    print(
        mask,
        "weights",
        weights.numpy().round(3).squeeze(),
        "context",
        context.numpy().round(3).squeeze(),
    )
    if all(mask):
        np.testing.assert_allclose(weights.numpy().squeeze(), alpha, rtol=1e-5)
        np.testing.assert_allclose(context.numpy().squeeze(), c, rtol=1e-5)

# %% [markdown]
# The decoder joins context and state (section 4, last equation; section 6): $o_t = \tanh(W_c [c_t; s_t])$, from which the next word
# is predicted ([`trainer/recurrent_decoder.py`](../trainer/recurrent_decoder.py)). The training data contains no alignments: the gradient of the
# translation's loss flows through the softmax to exactly those positions that helped (section 6).
#
# ## A language with known alignments
#
# For real text we do not know the right heatmap. So we use an artificial language with known alignments
# ([`benchmarks/alignment/aligned_language.py`](../benchmarks/alignment/aligned_language.py)): 30 words in random order, each with one translation (the
# word spelled backwards, for human readers; a model gets only ids). A third of the words change places with the next word, as some
# adjectives do. Grammar gives no hints: each target word depends on exactly one source word, and we know which.

# %%
rng = np.random.default_rng(1)
data = TrainingData(
    train=aligned_language.aligned_text(rng, 4000, longest=16).pairs,
    validation=aligned_language.aligned_text(rng, 30, longest=16).pairs,
    vocabulary=aligned_language.VOCABULARY,
)
unseen = aligned_language.aligned_text(np.random.default_rng(2), 100, longest=16)
for row in range(3):
    print(aligned_language.spelled(unseen.pairs.source[row]))
    print(aligned_language.spelled(unseen.pairs.target[row]))
    print("target word t comes from source word", unseen.alignments[row], "\n")

# %% [markdown]
# ## With attention and without (sections 1 and 8)
#
# Two models of the same size, trained alike for 13 epochs: one with a fixed context vector (`none`), one with Bahdanau's
# attention. This takes most of the time.


# %%
def trained(kind, epochs=13, **other_layers):
    """Trains a small model with a kind of attention; returns the model and its history."""
    settings = TrainingSettings(
        epochs=epochs,
        patience=epochs,
        tokens_per_batch=300,
        learning_rate=0.003,
        warmup_steps=30,
        dropout=0.1,
        label_smoothing=0.0,
        average_decay=0.95,
        precision="float32",
        attention_images=0,
    )
    shape = {
        "attention": kind,
        "copying": False,
        "attention_units": 64,
        "embedding_size": 64,
        "encoder_units": 64,
        "decoder_units": 128,
    }
    with tempfile.TemporaryDirectory() as folder:
        return train(
            data,
            ModelSettings(**(shape | other_layers)),
            settings,
            DecodingSettings(beam_size=1),
            seed=1,
            checkpoint_folder=f"{folder}/checkpoints",
            log_folder=f"{folder}/logs",
        )


results = {kind: trained(kind) for kind in ("none", "bahdanau")}

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3), layout="constrained")
buckets = [(2, 6), (6, 11), (11, 16)]
for kind, result in results.items():
    left.plot(
        [entry["epoch"] for entry in result.history],
        [e["validation_loss"] for e in result.history],
        label=kind,
    )
    shares = [
        aligned_language.share_of_right_words(result.model, unseen, longer_than=low, up_to=high)
        for low, high in buckets
    ]
    right.plot([f"{low + 1}-{high}" for low, high in buckets], shares, marker="o", label=kind)
    print(f"{kind:>9}: share of right words by length", np.round(shares, 2))
left.set(xlabel="epoch", ylabel="validation loss, nats per word")
right.set(xlabel="source words", ylabel="right words", ylim=(0, 1.05))
for axes in (left, right):
    axes.legend()

# %% [markdown]
# The model with attention learns faster and stays good on long sentences. The other has learned little so far, since one
# vector must hold the whole sentence. With more training it learns short sentences, but still fails on long ones
# ([RESULTS](../benchmarks/RESULTS.md#where-attention-lies)).
#
# The alignment error rate (AER) needs the known alignments. It is 0 if each target word gives its largest weight to its own source
# word:

# %%
for kind, result in results.items():
    rate = aligned_language.alignment_error_rate(result.model, unseen)
    print(f"{kind:>9}: alignment error rate {rate:.3f}")

# %% [markdown]
# ## Heatmaps (section 7)
#
# Source on top, target on the left, a row for each target word, as the chapter draws them. The model translates this sentence
# itself; `(end)` is the source's end symbol.


# %%
def padded(ids):
    """Returns a batch of one sentence, with its end symbol."""
    return tf.constant([[*ids, aligned_language.END]])


def with_attention(source_ids, target_ids, weights):
    """Makes a `Translation` of ids and the attention weights between them."""
    tokens = [
        tuple(aligned_language.VOCABULARY[i] for i in (*ids, aligned_language.END))
        for ids in (source_ids, target_ids)
    ]
    return Translation(
        text=aligned_language.spelled(target_ids),
        score=0.0,
        source_tokens=tokens[0],
        target_tokens=tokens[1],
        attention=np.asarray(weights)[: len(tokens[1]), : len(tokens[0])],
        truncated=False,
    )


def translated(model, source_ids):
    """Returns the model's own translation, by beam search."""
    found = search(model, padded(source_ids), DecodingSettings())
    ids = [number for number in found.ids[0, 0].numpy() if number > aligned_language.END]
    return with_attention(source_ids, ids, found.attention[0, 0].numpy())


def forced(model, source_ids, target_ids):
    """Returns a given translation with the model's attention, forced to produce its words."""
    _, weights = force(model, padded(source_ids), padded(target_ids))
    return with_attention(source_ids, target_ids, weights[0].numpy())


sentence = next(row for row in range(100) if len(unseen.alignments[row]) == 8)
source_ids = unseen.pairs.source[sentence]
source = aligned_language.spelled(source_ids)
translation = translated(results["bahdanau"].model, source_ids)
print(source, "->", translation.text)
Image(draw_picture(make_heatmap(source, translation), "png"), width=640)

# %% [markdown]
# The bright cells leave the diagonal at the swapped neighbours. Read as links between words, the heatmap is a word alignment, here
# in the format of fast_align (also written by `nmt align`):

# %%
links = align_words(attention_of_words(source, translation))
truth = sorted((int(i), t) for t, i in enumerate(unseen.alignments[sentence]))
print("attention", as_pharaoh(sorted(links)))
print("truth    ", as_pharaoh(truth))

# %% [markdown]
# ## Four patterns (section 7)
#
# The chapter distinguishes diagonal, spread, non-local and spurious attention by eye. [`serving/attention/diagnostics.py`](../serving/attention/diagnostics.py)
# does it with numbers: the entropy of the rows, how far the order is kept (monotonicity), the distance from the diagonal, and the
# share of the weights outside words. Four matrices with clear patterns:

# %%
size = 6
nowhere = np.zeros((size, 1))
matrices = {
    "diagonal": (0.9 * np.eye(size) + 0.1 / size, nowhere),
    "spread": (np.full((size, size), 1 / size), nowhere),
    "reordering": (0.9 * np.eye(size)[[3, 4, 5, 0, 1, 2]] + 0.1 / size, nowhere),
    "spurious": (0.2 * np.eye(size), np.full((size, 1), 0.8)),  # 0.8 of each row lies on the end
}
figure, all_axes = plt.subplots(1, 4, figsize=(9, 2.4), layout="constrained")
for axes, (name, (on_words, elsewhere)) in zip(all_axes, matrices.items(), strict=True):
    found = measure(on_words, elsewhere)
    axes.imshow(np.hstack([on_words, elsewhere]), cmap="Blues", vmin=0, vmax=1)
    axes.set(title=str(classify(found)), xticks=[], yticks=[])
    print(
        f"{name:>10}: entropy {found.entropy:.2f}, monotonicity {found.monotonicity:.2f}, astray {found.astray:.2f}"
    )
    assert classify(found) == name

# %% [markdown]
# Does attention show a wrong translation? Let the target end two words too early, and diagnose it:

# %%
target_ids = unseen.pairs.target[sentence]
shortened = target_ids[:-2]
diagnosis = diagnose_translation(source, forced(results["bahdanau"].model, source_ids, shortened))
print("pattern:", diagnosis.pattern)
print("never looked at:", diagnosis.never_looked_at)
print("left out:", [source.split()[place] for place in sorted(unseen.alignments[sentence][-2:])])

# %% [markdown]
# This is a hint, not a proof: the attention weights need not be the reason for a word.
#
# ## Other kinds of attention, on the same sentence (section 8)
#
# Bahdanau's score is additive: query and state go through a hidden layer. Luong, Pham and Manning (2015) multiply them instead,
# $e_{ti} = s_t^\top W h_i$ ([`trainer/luong_attention.py`](../trainer/luong_attention.py)). Vaswani et al. (2017) scale the product, use several such heads side by side,
# and have no recurrent layers at all: in their model the words of a sentence attend to each other, too, and so learn their order
# ([`trainer/self_attention.py`](../trainer/self_attention.py)). It needs more epochs for this language.

# %%
results["luong_general"] = trained("luong_general", epochs=18)
results["self-attention"] = trained(
    "bahdanau",  # not used: every layer of this decoder has attention of its own
    epochs=20,
    encoder="self_attention",
    decoder="self_attention",
    encoder_layers=2,
    decoder_layers=2,
    embedding_size=32,
    encoder_units=32,
    decoder_units=32,
    feed_forward_units=64,
)

# %%
target = aligned_language.spelled(target_ids)
figure, all_axes = plt.subplots(1, 4, figsize=(11, 3.2), layout="constrained", sharey=True)
for axes, (kind, result) in zip(all_axes, results.items(), strict=True):
    weights = forced(result.model, source_ids, target_ids).attention
    axes.imshow(weights, cmap="Blues", vmin=0, vmax=1)
    axes.set(title=kind, xticks=range(len(source_ids)), yticks=range(len(target_ids)))
    axes.set_xticklabels(source.split(), rotation=90)
    axes.set_yticklabels(target.split())
    rate = aligned_language.alignment_error_rate(result.model, unseen)
    print(f"{kind:>14}: alignment error rate {rate:.3f}")

# %% [markdown]
# All were forced to produce the same translation. `none` has a single vector, of the encoder's states at both ends, so each row
# is the same.
#
# In the last model the source words attend to each other, before the decoder looks at them. Here are all heads of both layers;
# the row is the word that looks, the column what it looks at. Nobody told a head what to look at. Those that look at a neighbour
# can see whether words change places in the target.

# %%
weights = results["self-attention"].model.self_attention(padded(source_ids))[0].numpy()
layers, heads = weights.shape[:2]
figure, all_axes = plt.subplots(layers, heads, figsize=(9, 4.8), layout="constrained")
for layer, head in np.ndindex(layers, heads):
    axes = all_axes[layer, head]
    axes.imshow(weights[layer, head], cmap="Blues", vmin=0, vmax=1)
    axes.set(title=f"layer {layer + 1}, head {head + 1}", xticks=[], yticks=[])
    if not head:
        axes.set_yticks(range(len(source_ids) + 1), [*source.split(), "(end)"])

# %% [markdown]
# ## From here to real text (section 8)
#
# ```sh
# nmt run --config multi30k                                  # train, evaluate and push a model of real text
# nmt heatmap "The cat is on the mat" --config multi30k      # the chapter's own example
# nmt diagnose --input sentences.txt --config multi30k       # the patterns of a whole corpus
# ```
#
# The first command leaves a model that this notebook finds. The chapter's example, translated by it:

# %%
live = live_version(str(ROOT / "workspace" / "models" / "multi30k"))
if live is None:
    print("There is no model of multi30k yet: the first of the commands above trains one.")
else:
    text = "The cat is on the mat"
    [translation] = LocalModel(live.path).translate([text])
    print(text, "->", translation.text)
    display(Image(draw_picture(make_heatmap(text, translation), "png"), width=640))

# %% [markdown]
# Each run leaves a report, `workspace/reports/NAME/report.html`, with the patterns of its test sentences and a heatmap of each
# kind. The other kinds of attention are one line of the configuration away: `model.attention`, or `model.encoder` and
# `model.decoder` for self-attention.
