#!/bin/sh
# Makes dist: all of public, and the page that tells of health.
set -eu
cd "$(dirname "$0")"

rm -rf dist
cp -R public dist
echo ok >dist/healthz
