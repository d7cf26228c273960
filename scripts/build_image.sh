#!/usr/bin/env bash
# build_image.sh IMAGE [--gpu] [--extra=EXTRA]: builds the image of the pipeline's tasks with docker
#   or podman; if neither runs, prints the commands instead. With --gpu, IMAGE has NVIDIA's
#   libraries, and its base is called IMAGE-cpu. EXTRA is one of pyproject.toml, by default all.
# `make image` runs it.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."

image=$1
base=$image
extra=
for option in "${@:2}"; do
    case $option in
        --gpu) base=$image-cpu ;;
        --extra=*) extra="--build-arg EXTRA=${option#*=} " ;;
    esac
done

commands=("build --platform linux/amd64 -f kubeflow/Dockerfile $extra-t $base .")
[[ $base == "$image" ]] ||
    commands+=("build --platform linux/amd64 -f kubeflow/Dockerfile.gpu --build-arg BASE=$base -t $image .")

for engine in docker podman; do
    if "$engine" info >/dev/null 2>&1; then
        for command in "${commands[@]}"; do
            # shellcheck disable=SC2086 # the words of the command
            "$engine" $command
        done
        exit
    fi
done
echo "image: neither docker nor podman runs here; where one does, type" >&2
printf 'docker %s\n' "${commands[@]}"
