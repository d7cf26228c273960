#!/usr/bin/env bash
# Writes a bill of materials of requirements.lock to build/bom.json (CycloneDX), and asks the Python
# Packaging Advisory Database for vulnerabilities of its packages (`make audit`). Those judged in
# scripts/judged_vulnerabilities.txt do not count.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."

scripts/tool_environment.sh .venv-audit scripts/audit.txt
mkdir -p build
.venv-audit/bin/cyclonedx-py requirements requirements.lock --pyproject pyproject.toml \
    --output-reproducible --output-file build/bom.json 2>/dev/null
echo "audit: build/bom.json lists every package with its version and hashes" >&2
judged=()
while read -r identifier _; do
    [[ $identifier == \#* || -z $identifier ]] || judged+=(--ignore-vuln "$identifier")
done <scripts/judged_vulnerabilities.txt
.venv-audit/bin/pip-audit --requirement requirements.lock --require-hashes --disable-pip --strict \
    --progress-spinner off "${judged[@]}"
