#!/usr/bin/env bash
# tool_environment.sh FOLDER REQUIREMENTS: makes a virtual environment of a tool that the pipeline
#   does not need, unless it is up to date. PYTHON names a Python 3.11 or newer.
set -euo pipefail

folder=$1
requirements=$2
stamp=$folder/requirements.sha256

die() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

is_new_enough() { "$1" -I -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

! sha256sum --check --status "$stamp" 2>/dev/null || exit 0
for python in ${PYTHON:-python3.11 python3 .venv/bin/python}; do
    is_new_enough "$python" && break
    python=
done
[[ -n $python ]] || die "Python 3.11 or newer is needed: name one, PYTHON=/path/to/python3.11"
printf 'installing the packages of %s into %s\n' "$requirements" "$folder" >&2
rm -rf "$folder"
"$python" -I -m venv "$folder" ||
    die "$python can make no virtual environment; Debian, Ubuntu: apt install python3-venv"
"$folder/bin/python" -I -m pip install --quiet --disable-pip-version-check --require-hashes \
    --only-binary :all: --requirement "$requirements" ||
    die "they could not be installed: see the message above. PIP_INDEX_URL names another Python" \
        "package index than the public one."
sha256sum "$requirements" >"$stamp"
