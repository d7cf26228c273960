"""Checks the features named by a configuration against the corpus."""

from components.corpus_features import LENGTH_BUCKET
from pipeline.config.settings import PipelineConfig
from pipeline.corpora.information import CorpusInfo
from pipeline.errors import UserError
from trainer.pair_weights import weighted_features


def check_slice_features(config: PipelineConfig, corpus: CorpusInfo) -> None:
    """Raises UserError if a setting names a feature missing in the corpus.

    These are `evaluation.slice_features` and `data.weights`.
    """
    named = {
        "evaluation.slice_features": {*config.evaluation.slice_features} - {LENGTH_BUCKET},
        "data.weights": {*weighted_features(config.data.weights)},
    }
    has = f"it has {', '.join(corpus.features)}" if corpus.features else "it has none"
    for setting, names in named.items():
        if unknown := sorted(names - {*corpus.features}):
            raise UserError(
                f"The corpus {corpus.name} has no feature {unknown[0]} ({has}): change {setting}, "
                "or make the corpus with `nmt corpus import --feature`."
            )
