#!/bin/sh
# Prints TensorFlow Serving's SSLConfig (ssl_config.proto, as text) with a key and its certificates.
#
#     sh ssl_config.sh tls.key tls.crt > ssl.config
set -eu

quoted() { awk '{ printf "%s\\n", $0 }' "$1"; } # the lines of a file as one string

printf 'server_key: "%s"\n' "$(quoted "$1")"
printf 'server_cert: "%s"\n' "$(quoted "$2")"
