#!/bin/sh
# Sees to it that there is a Chromium for the browser tests: Debian's package, where there is none.
set -eu

for name in chromium chromium-browser google-chrome; do
    if command -v "$name" >/dev/null; then
        exit 0
    fi
done
if ! command -v apt-get >/dev/null; then
    echo "the browser tests need Chromium: install it so that \`chromium\` is found" >&2
    exit 2
fi
if [ "$(id -u)" = 0 ]; then
    as_root=""
elif sudo -n true 2>/dev/null; then
    as_root="sudo"
else
    echo "the browser tests need Chromium: run \`sudo apt-get install chromium\`" >&2
    exit 2
fi
echo "installing chromium"
$as_root apt-get update -qq
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null
