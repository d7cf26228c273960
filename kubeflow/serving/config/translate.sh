# Health check of TensorFlow Serving: translates over REST, with nothing but bash.
#
#     bash translate.sh MODEL PORT
#
# A request without texts waits, and keeps a thread of gRPC, until another request joins its batch.
# Enough of them stop gRPC, while the model's metadata and gRPC's health service still say OK. This
# check ends them. It sends a full batch, so that no malformed request can join its batch and fail it.
[[ $(<"${BASH_SOURCE[0]%/*}/batching.config") =~ max_batch_size\ \{\ value:\ ([0-9]+) ]] || exit
printf -v texts '".",%.0s' $(seq "${BASH_REMATCH[1]}")
request="{\"inputs\": {\"text\": [${texts%,}]}}"
exec 3<>"/dev/tcp/127.0.0.1/$2" || exit
printf 'POST /v1/models/%s:predict HTTP/1.0\r\nContent-Length: %d\r\n\r\n%s' \
    "$1" "${#request}" "$request" >&3
read -r _ status _ <&3
[[ $status == 200 ]]
