#!/bin/sh
# Makes .venv with the pinned development environment; says what to install where Python or its venv is missing.
# PYTHON names the interpreter to use (default: the first of python3, python3.11 ... that is new enough).
set -eu
cd "$(dirname "$0")/.."

found=""
for name in ${PYTHON:-python3 python3.11 python3.12 python3.13 python3.14 python}; do
    version=$("$name" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || continue
    if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
        python=$name
        break
    fi
    found="$found $name is $version;"
done
if [ -z "${python:-}" ]; then
    echo "digirm needs Python 3.11 or newer;${found:- none was found under ${PYTHON:-python3};}" >&2
    echo "install one (Debian, Ubuntu: apt-get install python3 python3-venv) or name it: make PYTHON=/path/to/python3.11" >&2
    exit 2
fi
if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    echo "$python $version has no venv: install it (Debian, Ubuntu: apt-get install python3-venv or python$version-venv)" >&2
    exit 2
fi

if ! .venv/bin/python -c 'import pip' 2>/dev/null; then
    echo "making .venv with $python $version"
    "$python" -m venv --clear .venv
fi
echo "installing the versions of constraints.txt into .venv (a minute or two)"
# The variable, not -c: it also reaches the environment in which the build backend is installed.
PIP_CONSTRAINT="$PWD/constraints.txt" .venv/bin/python -m pip install --quiet --no-input --disable-pip-version-check \
    -e '.[dev]'
touch .venv/installed
