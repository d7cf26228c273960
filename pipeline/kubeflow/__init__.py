"""The pipeline on Kubeflow Pipelines: compiler, linter, client, and entry point of tasks."""
