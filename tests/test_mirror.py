"""Tests mirror the modules: `tests/a/test_b.py` tests `a/b.py`, or a row here names its tests."""

import fnmatch
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("benchmarks", "components", "pipeline", "serving", "text", "trainer")

TESTED_THROUGH = {
    "benchmarks/alignment/aligned_language.py": "serving/attention/test_known_alignment.py",
    "benchmarks/alignment/by_kind.py": "benchmarks/alignment/test_eflomal.py",
    "benchmarks/gate/t*.py": "benchmarks/gate/test_calibration.py",
    "benchmarks/search/other_library.py": "benchmarks/search/test_speed.py",
    "benchmarks/serving/calls.py": "benchmarks/serving/test_latency.py",
    "benchmarks/serving/hostile_*.py": "benchmarks/serving/test_hostile.py",
    "benchmarks/serving/parts.py": "benchmarks/serving/test_server.py",
    "benchmarks/serving/versions.py": "benchmarks/serving/test_first_request.py",
    "components/corpus_shards.py": "components/test_corpus_spans.py",
    "components/curated_schema_gen.py": "components/test_strict_example_validator.py",
    "components/deterministic_transform.py": "components/test_corpus_features.py",
    "components/gate/[cs]*.py": "components/gate/test_eval_config.py",
    "components/gate/evaluation_reader.py": "components/gate/test_recording_evaluator.py",
    "components/gate/metric_inputs.py": "components/gate/test_translation_metrics.py",
    "components/gate/output_statistics.py": "components/gate/test_output_metrics.py",
    "components/gate/verdict_text.py": "components/gate/test_verdict.py",
    "components/held_out.py": "components/test_model_report.py",
    "components/recording_trainer.py": "end_to_end/test_end_to_end.py",
    "components/report/chart_style.py": "components/report/test_charts.py",
    "components/report/facts.py": "components/report/test_page.py",
    "components/tfx_store.py": "components/test_atomic_pusher.py",
    "pipeline/__main__.py": "pipeline/test_cli.py",
    "pipeline/commands/answer_lines.py": "pipeline/commands/test_translate.py",
    "pipeline/commands/bulk.py": "pipeline/commands/test_translate.py",
    "pipeline/commands/compile.py": "pipeline/kubeflow/test_compiler.py",
    "pipeline/commands/evaluation_output.py": "pipeline/commands/test_evaluate.py",
    "pipeline/commands/exported_model.py": "pipeline/commands/test_translate.py",
    "pipeline/commands/lazy.py": "pipeline/test_cli.py",
    "pipeline/commands/made_lines.py": "pipeline/commands/test_config.py",
    "pipeline/commands/options.py": "pipeline/test_cli.py",
    "pipeline/commands/run.py": "end_to_end/test_end_to_end.py",
    "pipeline/commands/text_streams.py": "pipeline/commands/test_translate.py",
    "pipeline/config/[kov]*.py": "pipeline/config/test_settings.py",
    "pipeline/corpora/apt.py": "pipeline/corpora/test_debian.py",
    "pipeline/corpora/display.py": "pipeline/commands/test_corpus.py",
    "pipeline/corpora/formats/aligned.py": "pipeline/corpora/formats/test_finding.py",
    "pipeline/corpora/formats/re*.py": "pipeline/corpora/formats/test_finding.py",
    "pipeline/corpora/information.py": "pipeline/corpora/test_folder.py",
    "pipeline/corpora/progress.py": "pipeline/corpora/test_download.py",
    "pipeline/corpora/shipped.py": "pipeline/corpora/test_catalogue.py",
    "pipeline/errors.py": "pipeline/test_failures.py",
    "pipeline/health.py": "pipeline/commands/test_doctor.py",
    "pipeline/history/*.py": "pipeline/commands/test_report.py",
    "pipeline/kubeflow/client.py": "pipeline/commands/test_submit.py",
    "pipeline/kubeflow/platform.py": "pipeline/kubeflow/test_compiler.py",
    "pipeline/running/*_runner.py": "end_to_end/test_end_to_end.py",
    "pipeline/running/execution.py": "end_to_end/test_end_to_end.py",
    "pipeline/running/record.py": "pipeline/commands/test_report.py",
    "pipeline/translation_files/[ex]*s.py": "pipeline/translation_files/test_xliff.py",
    "serving/client/base.py": "serving/client/test_sync_client.py",
    "serving/contract/*s.py": "serving/export/test_smoke_test.py",
    "serving/contract/layout.py": "trainer/test_export.py",
    "serving/export/report.py": "serving/export/test_check.py",
    "serving/export/time_limit.py": "serving/export/test_subprocess_check.py",
    "serving/heatmap/matrix.py": "serving/heatmap/test_page.py",
    "serving/heatmap/picture_layout.py": "serving/heatmap/test_picture.py",
    "serving/html/templates.py": "serving/heatmap/test_page.py",
    "serving/local/outside_cause.py": "serving/export/test_subprocess_check.py",
    "serving/local/session.py": "serving/local/test_saved_model.py",
    "serving/local/tensorflow_library.py": "serving/export/test_operations.py",
    "serving/segments/joining.py": "serving/segments/test_splitting.py",
    "serving/server/errors.py": "serving/server/test_loading.py",
    "serving/server/grpc_calls.py": "serving/server/test_prediction_service.py",
    "serving/server/json_format.py": "serving/server/test_rest.py",
    "serving/server/loaded_model.py": "serving/server/test_loading.py",
    "serving/server/p*.py": "serving/server/test_prediction_service.py",
    "serving/server/requests.py": "serving/server/test_prediction_service.py",
    "serving/server/se*.py": "serving/server/test_ending.py",
    "serving/server/version*.py": "serving/server/test_directory_watcher.py",
    "serving/versions/records.py": "serving/versions/test_push.py",
    "serving/versions/store.py": "serving/versions/test_publishing.py",
    "serving/web/disconnects.py": "serving/web/test_gateway.py",
    "serving/web/messages.py": "serving/web/test_gateway.py",
    "serving/web/p*s.py": "serving/web/test_gateway.py",
    "serving/web/program.py": "pipeline/commands/test_web.py",
    "serving/web/settings.py": "serving/web/test_gateway.py",
    "trainer/*_attention.py": "trainer/test_attention.py",
    "trainer/attention_kinds.py": "trainer/test_attention.py",
    "trainer/cudnn.py": "trainer/test_recurrent.py",
    "trainer/fixed_context.py": "trainer/test_attention.py",
    "trainer/run_fn.py": "end_to_end/test_end_to_end.py",
    "trainer/settings*.py": "pipeline/config/test_settings.py",
    "trainer/train_step.py": "trainer/test_replicas.py",
    "trainer/training_state.py": "trainer/test_training.py",
    "trainer/translation.py": "trainer/test_model.py",
    "trainer/validation.py": "trainer/test_training.py",
}


def modules() -> list[Path]:
    paths = (path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
    return sorted(path.relative_to(ROOT) for path in paths if path.name != "__init__.py")


def mirrored(module: Path) -> Path:
    return module.with_name(f"test_{module.name}")


def rows_for(module: Path) -> list[str]:
    return [row for row in TESTED_THROUGH if fnmatch.fnmatch(module.as_posix(), row)]


def test_every_module_has_a_test_in_its_place_or_a_row() -> None:
    untested = [
        str(module)
        for module in modules()
        if not (ROOT / "tests" / mirrored(module)).is_file() and not rows_for(module)
    ]
    assert not untested


def test_every_row_leads_from_a_module_to_a_test() -> None:
    used = {row for module in modules() for row in rows_for(module)}
    assert set(TESTED_THROUGH) == used
    assert not [test for test in TESTED_THROUGH.values() if not (ROOT / "tests" / test).is_file()]
