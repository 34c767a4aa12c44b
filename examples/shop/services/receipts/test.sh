#!/bin/sh
# Renders receipts directly, then starts the service on a free port and asks it over HTTP.
set -eu

ask=../../libs/wire/build/ask
fail() { echo "FAILED: $*" >&2; exit 1; }
expect() { [ "$2" = "$1" ] || fail "expected '$1', got '$2'"; }
refused() { status=0; printf '%b' "$1" | dist/receipt >/dev/null || status=$?; expect 2 "$status"; }

order=$(printf 'Green tea, 100 g\t2\t16.67\nMug\t1\t15.00\ntotal\t31.67')
receipt=$(cat expected.txt)

expect "$receipt" "$(echo "$order" | dist/receipt)"
refused ''
refused 'Mug\t1\t15.00\n'
refused 'Mug\tone\t15.00\ntotal\t15.00\n'
refused 'Mug\t1\t15\ntotal\t15.00\n'
refused 'total\t15.00\nMug\t1\t15.00\n'

here=$(mktemp -d)
mkfifo "$here/says"
SVC_PORT=0 dist/receipts >"$here/says" &
server=$!
trap 'kill "$server" 2>/dev/null || :; rm -rf "$here"' EXIT
read -r line <"$here/says"
port=${line##*:}

expect "ok" "$($ask "$port" GET /healthz)"
expect "$receipt" "$($ask "$port" POST / "$order")"
! $ask "$port" POST / nonsense >/dev/null || fail "made a receipt out of nonsense"
! $ask "$port" GET / >/dev/null || fail "made a receipt out of nothing"

kill -TERM "$server"
wait "$server" || fail "SIGTERM did not end it cleanly"
