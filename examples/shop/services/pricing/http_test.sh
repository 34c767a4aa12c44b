#!/bin/sh
# Starts pricing on a free port and asks it over HTTP.
set -eu

ask=../../libs/wire/build/ask
here=$(mktemp -d)
mkfifo "$here/says"
SVC_PORT=0 build/pricing >"$here/says" &
server=$!
trap 'kill "$server" 2>/dev/null || :; rm -rf "$here"' EXIT
read -r line <"$here/says"
port=${line##*:}

fail() { echo "FAILED: $*" >&2; exit 1; }
expect() { [ "$2" = "$1" ] || fail "expected '$1', got '$2'"; }

expect "ok" "$($ask "$port" GET /healthz)"
expect '{"net":3980,"tax":84,"gross":4064}' "$($ask "$port" GET '/quote?class=books&price=1990&quantity=2')"
for target in / '/quote' '/quote?class=luxury&price=1&quantity=1' '/quote?class=books&price=1x&quantity=1'; do
    ! $ask "$port" GET "$target" >/dev/null || fail "answered $target"
done

kill -TERM "$server"
wait "$server" || fail "SIGTERM did not end it cleanly"
