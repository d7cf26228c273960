# Health check of TensorFlow Serving: translates a sentence over REST, with nothing but bash.
#
#     bash translate.sh MODEL PORT
#
# A request without texts waits, and keeps a thread of gRPC, until another request joins its batch.
# Enough of them stop gRPC, while the model's metadata and gRPC's health service still say OK. This
# check joins their batch, so they end.
exec 3<>"/dev/tcp/127.0.0.1/$2" || exit
request='{"inputs": {"text": ["."]}}'
printf 'POST /v1/models/%s:predict HTTP/1.0\r\nContent-Length: %d\r\n\r\n%s' \
    "$1" "${#request}" "$request" >&3
read -r _ status _ <&3
[[ $status == 200 ]]
