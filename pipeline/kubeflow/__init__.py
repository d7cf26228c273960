"""The pipeline on Kubeflow Pipelines: compiler, linter, client, entry point of a task."""
