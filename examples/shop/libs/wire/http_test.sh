#!/bin/sh
# Starts serve-script on a free port, with itself as the script, and asks it over HTTP.
set -eu

if [ -n "${REQUEST_METHOD:-}" ]; then
    case $PATH_INFO in
    /echo) echo "$REQUEST_METHOD ${QUERY_STRING:-}: $(cat)" ;;
    /wrong) echo "wrong" && exit 2 ;;
    *) exit 1 ;;
    esac
    exit
fi

here=$(mktemp -d)
mkfifo "$here/says"
SVC_PORT=0 build/serve-script echo 8099 ./http_test.sh >"$here/says" &
server=$!
trap 'kill "$server" 2>/dev/null || :; rm -rf "$here"' EXIT
read -r line <"$here/says"
port=${line##*:}

fail() { echo "FAILED: $*" >&2; exit 1; }
expect() { [ "$2" = "$1" ] || fail "expected '$1', got '$2'"; }

expect "echo listening on 127.0.0.1:$port" "$line"
expect "ok" "$(build/ask "$port" GET /healthz)"
expect "POST a=b: hello" "$(build/ask "$port" POST '/echo?a=b' hello)"
expect "wrong" "$(build/ask "$port" GET /wrong || :)"
! build/ask "$port" GET /wrong >/dev/null || fail "/wrong was answered as if it were right"
! build/ask "$port" GET /broken >/dev/null || fail "/broken was answered as if it worked"

kill -TERM "$server"
wait "$server" || fail "SIGTERM did not end it cleanly"
