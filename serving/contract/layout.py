"""The layout of an export: its files, as paths below the SavedModel's folder.

The layout is TensorFlow's: https://www.tensorflow.org/guide/saved_model#the_savedmodel_format_on_disk
and, for warm-up requests, https://www.tensorflow.org/tfx/serving/saved_model_warmup.
"""

SAVED_MODEL = "saved_model.pb"
VARIABLES = "variables/variables"
"""The prefix of the checkpoint's files."""
VARIABLES_INDEX = "variables/variables.index"
ASSETS = "assets"
"""The folder of files read by the graph."""
VOCABULARY = "assets/subwords.txt"
"""The subword vocabulary, one subword per line."""
EXTRA = "assets.extra"
"""The folder of files not read by the graph."""
MODEL_CARD = "assets.extra/model_card.json"
READABLE_MODEL_CARD = "assets.extra/MODEL_CARD.md"
DOUBT = "assets.extra/doubt.json"
"""The limits of its warnings, for people; clients get them with each answer."""
WARMUP_REQUESTS = "assets.extra/tf_serving_warmup_requests"
