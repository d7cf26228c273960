#!/usr/bin/env bash
# Builds README and docs as a site in build/docs (`make docs`); fails if a link is broken. Zensical
# gets a separate environment, .venv-docs, since the pipeline does not need it. PYTHON names a
# Python 3.11 or newer.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly stamp=.venv-docs/requirements.sha256

say() { printf 'docs: %s\n' "$*" >&2; }
die() {
    say "$*"
    exit 1
}

is_new_enough() { "$1" -I -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

make_environment() {
    local python
    for python in ${PYTHON:-python3.11 python3 .venv/bin/python}; do
        is_new_enough "$python" && break
        python=
    done
    [[ -n $python ]] || die "Python 3.11 or newer is needed: make docs PYTHON=/path/to/python3.11"
    say "installing Zensical into .venv-docs"
    rm -rf .venv-docs
    "$python" -I -m venv .venv-docs ||
        die "$python can make no virtual environment; Debian, Ubuntu: apt install python3-venv"
    .venv-docs/bin/python -I -m pip install --quiet --disable-pip-version-check --require-hashes \
        --only-binary :all: --requirement scripts/docs.txt ||
        die "Zensical could not be installed: see the message above. PIP_INDEX_URL names another" \
            "Python package index than the public one."
    sha256sum scripts/docs.txt >"$stamp"
}

sha256sum --check --status "$stamp" 2>/dev/null || make_environment
.venv-docs/bin/python scripts/stage_docs.py build/docs-source
.venv-docs/bin/zensical build --strict --clean ||
    die "the documentation has a broken link or another mistake: see the message above."
say "build/docs/index.html is the first page"
