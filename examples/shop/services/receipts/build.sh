#!/bin/sh
# Puts all that the service needs to run into dist/.
set -eu
rm -rf dist
mkdir dist
cp receipts receipt ../../libs/wire/build/serve-script dist/
