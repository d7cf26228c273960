#!/usr/bin/env bash
# bootstrap.sh [setup]: makes .venv with Python 3.11, all packages of requirements.lock, this
#   project, and repaired native modules; does nothing if all this is up to date.
# bootstrap.sh lock [OPTION...]: makes requirements.lock from pyproject.toml, and
#   kubeflow/requirements-gpu.lock, NVIDIA's libraries for the locked TensorFlow.
# `make setup` and `make lock` run it; PYTHON names the interpreter to use.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
cd "$root"

readonly platform=x86_64-manylinux_2_39 # that of TFX's newest wheels
readonly oldest_glibc=2.35              # limit of the repairs in scripts/repair_native.py
readonly stamp=.venv/setup-done
readonly unfinished=.venv/setup-unfinished
readonly inputs=(requirements.lock pyproject.toml scripts/bootstrap.sh scripts/repair_native.py
    scripts/uv.txt scripts/farmhash/farmhash.py scripts/farmhash/pyproject.toml)

readonly registry_hint="This machine must reach a Python package index (PIP_INDEX_URL names \
another than the public one) and have 6 GB of free disk."

say() { printf 'setup: %s\n' "$*" >&2; }
die() {
    say "$*"
    exit 1
}

at_least() { printf '%s\n' "$1" "$2" | sort -C -V; } # at_least WANTED FOUND

# Everything the environment depends on: a different folder, Python or C library needs a new one.
fingerprint() {
    {
        printf '%s\n' "$root" "$(.venv/bin/python --version)" "$(getconf GNU_LIBC_VERSION)"
        sha256sum "${inputs[@]}"
    } | sha256sum
}

set_up_already() {
    [[ -f $stamp && ! -e $unfinished && -x .venv/bin/python ]] || return 1
    [[ $(<"$stamp") == "$(fingerprint 2>/dev/null)" ]] || return 1
    # Only a Python named with PYTHON can differ from the one in .venv.
    [[ -z ${PYTHON:-} ]] || { find_python && uses_python; }
}

uses_python() { [[ $(readlink -f .venv/bin/python) == "$python" ]]; }

check_system() {
    local system glibc
    system="$(uname -s) $(uname -m)"
    [[ $system == "Linux x86_64" ]] ||
        die "this system is $system, but TFX 1.21 is published for Linux x86_64 only:" \
            "use such a machine or container."
    glibc=$(getconf GNU_LIBC_VERSION 2>/dev/null) || glibc="another C library"
    at_least "glibc $oldest_glibc" "$glibc" && [[ $glibc == glibc* ]] ||
        die "this system has $glibc, but the packages need glibc $oldest_glibc or newer:" \
            "use Debian 12, Ubuntu 22.04 or newer."
}

# Sets $python to the real path of a CPython 3.11, or ends with the reason.
find_python() {
    local name path found kind line list
    local seen=()
    local probe='import os, platform, sys
base = getattr(sys, "_base_executable", None) or sys.executable
print(platform.python_version(), platform.python_implementation(), os.path.realpath(base))'
    local names=(python3.11 python3 python)
    [[ -z ${PYTHON:-} ]] || names=("$PYTHON")
    for name in "${names[@]}"; do
        # All of PATH, since the first python3.11 may be a version manager's shim without a version.
        while read -r path; do
            line=$("$path" -I -c "$probe" 2>/dev/null </dev/null) || continue
            read -r found kind python <<<"$line"
            [[ $found == 3.11.* && $kind == CPython ]] && return
            line="$python is $kind $found"
            [[ " ${seen[*]-} " == *" $line "* ]] || seen+=("$line")
        done < <(type -aP "$name")
    done
    list=$(printf '; %s' "${seen[@]:-none was found}")
    [[ -z ${PYTHON:-} ]] || list="; PYTHON is $PYTHON$list"
    die "Python 3.11 is needed (${list#; }), because the tfx[kfp] extra works only below 3.12." \
        "Install it (Debian 12, Ubuntu: apt install python3.11 python3.11-venv; elsewhere: pyenv" \
        "or 'uv python install 3.11'), or name one: make setup PYTHON=/path/to/python3.11"
}

uv_is_new_enough() { # uv_is_new_enough PROGRAM
    local version
    version=$("$1" --version 2>/dev/null) && at_least "uv $wanted_uv" "${version%% (*}"
}

# Sets $uv: the program on PATH, or one installed in .tools, beside .venv.
find_uv() {
    local wanted_uv
    wanted_uv=$(sed -n 's/^uv==\([0-9.]*\).*/\1/p' scripts/uv.txt)
    for uv in "$(type -P uv)" .tools/bin/uv; do
        [[ -n $uv ]] && uv_is_new_enough "$uv" && return
    done
    say "installing uv $wanted_uv into .tools"
    rm -rf .tools
    local pip=(-I -m pip install --quiet --disable-pip-version-check --require-hashes
        --only-binary :all: --requirement scripts/uv.txt)
    if "$python" -I -m venv .tools >/dev/null 2>&1; then
        pip=(.tools/bin/python "${pip[@]}")
    elif rm -rf .tools && "$python" -I -m pip --version >/dev/null 2>&1; then
        pip=("$python" "${pip[@]}" --target .tools)
    else
        die "$python can make no virtual environment, because its ensurepip is missing:" \
            "install it (Debian, Ubuntu: apt install python3.11-venv), or install uv" \
            "$wanted_uv or newer, and try again."
    fi
    "${pip[@]}" || die "uv could not be installed: see the message above." "$registry_hint"
    uv=.tools/bin/uv
}

# Without a terminal, leaves out the lines for each of 220 packages.
summarised() {
    if [[ -t 2 ]]; then "$@"; else "$@" 2> >(sed '/^ [-+~] /d' >&2); fi
}

make_environment() {
    if [[ -e $unfinished ]] || ! uses_python || ! grep -qsF "$root/.venv" .venv/bin/activate; then
        say "making .venv with $python"
        rm -rf .venv
        "$uv" venv --quiet --no-project --python "$python" .venv
    fi
    rm -f "$stamp"
    touch "$unfinished"
    say "installing the packages of requirements.lock: some minutes the first time, 4 GB on disk"
    summarised "$uv" pip sync --python .venv/bin/python \
        --python-platform "$platform" --require-hashes \
        --build-constraints requirements.lock --require-build-hashes \
        --preview-features build-dependency-hashes requirements.lock ||
        die "the packages could not be installed: see the message above. $registry_hint"
    # --no-config, because the configuration excludes the name pyfarmhash from every installation.
    "$uv" --no-config pip install --quiet --offline --python .venv/bin/python \
        --no-deps --no-build-isolation --reinstall ./scripts/farmhash --editable . ||
        die "this project could not be installed into .venv: see the message above."
    .venv/bin/python -I scripts/repair_native.py >&2
    say "compiling everything, so that TFX loads in half the time"
    # Errors are ignored: some packages hold templates, not valid Python and never imported.
    .venv/bin/python -I -m compileall -qq -j 0 .venv/lib || true
    fingerprint >"$stamp.new"
    mv "$stamp.new" "$stamp"
    rm "$unfinished"
}


# Resolves pyproject.toml for the platform of the newest wheels; keeps the versions already locked.
lock() {
    "$uv" pip compile pyproject.toml --extra all --extra files --group dev --output-file requirements.lock \
        --python "$python" --python-version 3.11 --python-platform "$platform" --generate-hashes \
        --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" --quiet "$@" ||
        die "pyproject.toml could not be resolved: see the message above. $registry_hint"
    local tensorflow
    tensorflow=$(sed -n 's/^tensorflow==\([^ ]*\).*/\1/p' requirements.lock)
    {
        echo "# NVIDIA's libraries for tensorflow==$tensorflow; made by \`make lock\`"
        echo "tensorflow[and-cuda]==$tensorflow" |
            "$uv" pip compile - --constraint requirements.lock --generate-hashes --no-annotate \
                --python "$python" --python-version 3.11 --python-platform "$platform" \
                --no-emit-index-url --no-emit-find-links --no-header --quiet |
            awk '/^[a-z]/ { wanted = /^nvidia-/ } wanted'
    } >kubeflow/requirements-gpu.lock ||
        die "NVIDIA's libraries could not be resolved: see the message above. $registry_hint"
}

command=${1:-setup}
[[ $command == setup ]] && set_up_already && exit
check_system
exec 9<"${BASH_SOURCE[0]}"
if ! flock --nonblock 9; then
    say "waiting for another set-up of this folder"
    flock 9
    [[ $command == setup ]] && set_up_already && exit
fi

# Use this machine's certificates and pip's index, and never download a Python.
export UV_SYSTEM_CERTS=1 UV_PYTHON_DOWNLOADS=never
unset UV_SYSTEM_PYTHON
[[ -z ${PIP_INDEX_URL:-} ]] || export UV_DEFAULT_INDEX=${UV_DEFAULT_INDEX:-$PIP_INDEX_URL}

find_python
find_uv
case $command in
    setup)
        make_environment
        say "done in $SECONDS s"
        ;;
    lock) lock "${@:2}" ;;
    *) die "there is no command '$command': use setup or lock." ;;
esac
