#!/usr/bin/env bash
# base_image.sh ENGINE: makes what stands for the image python:3.11-slim-trixie where no registry of
#   images can be reached, from Debian's packages: Debian 13 with Debian 12's Python 3.11. It has this
#   machine's certificates, for the package index that it reaches.
set -euo pipefail

engine=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

debootstrap --variant=minbase trixie "$folder/root" >&2
tar -C "$folder/root" -c . | "$engine" import -q - attention-nmt-test-debian
cp /etc/ssl/certs/ca-certificates.crt "$folder"
# python3.11-venv asks for packages that Debian 13's own Python excludes, hence --force-depends.
cat >"$folder/Containerfile" <<'END'
FROM attention-nmt-test-debian
RUN sed 's/trixie/bookworm/' /etc/apt/sources.list >/etc/apt/sources.list.d/bookworm.list \
    && apt-get update -q \
    && apt-get install -y -q --no-install-recommends python3.11 ca-certificates \
    && cd /tmp \
    && apt-get download -q python3.11-venv python3-pip-whl python3-setuptools-whl \
        python3-distutils python3-lib2to3 \
    && dpkg --force-depends -i ./*.deb \
    && rm -rf ./*.deb /var/lib/apt/lists/* \
    && ln -s python3.11 /usr/bin/python && ln -sf python3.11 /usr/bin/python3
COPY ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
ENV PIP_CERT=/etc/ssl/certs/ca-certificates.crt SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
END
"$engine" build --network host -t docker.io/library/python:3.11-slim-trixie "$folder" >&2
