#!/bin/sh
# Every page of dist is whole, and what it refers to is there.
set -eu
cd "$(dirname "$0")/dist"

fail() {
  echo "$*" >&2
  exit 1
}

[ "$(cat healthz)" = ok ] || fail "healthz does not say ok"
[ -f index.html ] || fail "there is no index.html"
find . -name '*.html' | LC_ALL=C sort | while IFS= read -r page; do
  for tag in '<!doctype html>' '<title>' '</html>'; do
    grep -qi -- "$tag" "$page" || fail "$page has no $tag"
  done
  sed -n 's/.*[[:space:]]\(href\|src\)="\([^"#?]*\)[^"]*".*/\2/p' "$page" | while IFS= read -r target; do
    case $target in
      '' | *:* | //*) continue ;;
      */) file=${target}index.html ;;
      *) file=$target ;;
    esac
    case $file in
      /*) file=.$file ;;
      *) file=$(dirname "$page")/$file ;;
    esac
    [ -f "$file" ] || fail "$page refers to $target, which is not there"
  done
done
