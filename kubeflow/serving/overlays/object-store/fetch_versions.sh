#!/bin/sh
# Keeps the newest versions of a model, which someone pushes to an object store, in a local folder
# that TensorFlow Serving watches. TensorFlow Serving itself reads no s3:// since 2.7.
#
#   SOURCE    rclone's name of the folder of versions, such as store:nmt/models/debian
#   TARGET    the folder that TensorFlow Serving watches
#   STAGING   a folder on the same file system, for versions that are on their way
#   KEEP      how many versions to have; the server loads the highest
#   INTERVAL  seconds between two looks at the store
#
# A version appears in TARGET by one rename, so it is never seen half. It is fetched once it has all
# that a SavedModel needs and two looks found it the same, because it is pushed file by file. While
# the store cannot be asked, what is here stays.
set -u

log() { echo "fetch_versions: $*" >&2; }

# The versions on standard input, the newest KEEP of them; other names are no versions.
newest() { sed 's|/$||' | grep -xE '[0-9]{1,18}' | sort -n | tail -n "$KEEP"; }

# Every file of a version with its size.
files_of() { rclone lsf --recursive --files-only --format ps --separator ' ' "$SOURCE/$1" | sort; }

# Whether a list of files has all that TensorFlow must find: the graph, the variables' index, and
# as many shards as each shard's name tells.
is_whole() {
    echo "$1" | grep -q '^saved_model\.pb ' || return 1
    echo "$1" | grep -q '^variables/variables\.index ' || return 1
    shards=$(echo "$1" | grep -c '^variables/variables\.data-[0-9]*-of-[0-9]* ')
    total=$(echo "$1" | sed -n 's|^variables/variables\.data-[0-9]*-of-0*\([0-9]*\) .*|\1|p' | uniq)
    [ "$shards" = "$total" ]
}

fetch() {
    files=$(files_of "$1") || return
    seen=$STAGING/$1.files
    if ! is_whole "$files" || [ ! -f "$seen" ] || [ "$files" != "$(cat "$seen")" ]; then
        echo "$files" >"$seen"
        return
    fi
    rclone sync "$SOURCE/$1" "$STAGING/$1" || return
    [ "$files" = "$(files_of "$1")" ] || return
    mv "$STAGING/$1" "$TARGET/$1" && rm "$seen" && log "version $1 is here"
}

# Deletes the versions that are not wanted, but none before a wanted one is here.
drop_all_but() {
    for version in $1; do
        [ -d "$TARGET/$version" ] && break
        version=
    done
    [ -n "${version:-}" ] || return
    for folder in "$TARGET"/*; do
        echo "$1" | grep -qx "${folder##*/}" && continue
        mv "$folder" "$STAGING/dropped" && rm -rf "$STAGING/dropped"
        log "version ${folder##*/} is gone"
    done
}

look() {
    found=$(rclone lsf --dirs-only "$SOURCE") || return
    wanted=$(echo "$found" | newest)
    for version in $wanted; do
        [ -d "$TARGET/$version" ] || fetch "$version"
    done
    drop_all_but "$wanted"
}

trap 'exit 0' TERM INT
rm -rf "$STAGING"
mkdir -p "$TARGET" "$STAGING"
while true; do
    look
    sleep "$INTERVAL" &
    wait $!
done
