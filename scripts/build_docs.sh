#!/usr/bin/env bash
# Builds README and docs as a site in build/docs (`make docs`); fails if a link is broken.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."

scripts/tool_environment.sh .venv-docs scripts/docs.txt
.venv-docs/bin/python scripts/stage_docs.py build/docs-source
.venv-docs/bin/zensical build --strict --clean || {
    echo "docs: the documentation has a broken link or another mistake: see the message above." >&2
    exit 1
}
echo "docs: build/docs/index.html is the first page" >&2
