"""Checks the slice features of the gate against the corpus."""

from components.corpus_features import LENGTH_BUCKET
from pipeline.config.settings import PipelineConfig
from pipeline.corpora.information import CorpusInfo
from pipeline.errors import UserError


def check_slice_features(config: PipelineConfig, corpus: CorpusInfo) -> None:
    """Raises UserError if `evaluation.slice_features` names a feature missing in the corpus."""
    known = {*corpus.features, LENGTH_BUCKET}
    unknown = [name for name in config.evaluation.slice_features if name not in known]
    if not unknown:
        return
    has = f"it has {', '.join(corpus.features)}" if corpus.features else "it has none"
    raise UserError(
        f"The corpus {corpus.name} has no feature {unknown[0]} ({has}): change "
        "evaluation.slice_features, or make the corpus with `nmt corpus import --feature`."
    )
