#!/bin/sh
# Runs a Python script in an environment of its own with pinned versions: python.sh NAME "PIN..." SCRIPT [ARGUMENT...]
# Exit code 77: Python or the packages cannot be had here, so nothing was checked.
set -eu
venv="$(cd "$(dirname "$0")/.." && pwd)/.venv/$1"
pins=$2
shift 2

command -v python3 >/dev/null 2>&1 || { echo "no python3" >&2; exit 77; }
mkdir -p "$(dirname "$venv")"
if [ "$(cat "$venv/pins" 2>/dev/null || true)" != "$pins" ]; then
    rm -rf "$venv"
    python3 -m venv "$venv" || { echo "python3 has no venv module" >&2; exit 77; }
    "$venv/bin/pip" install --quiet --disable-pip-version-check --only-binary :all: --retries 1 --timeout 15 $pins || {
        echo "cannot install $pins" >&2
        exit 77
    }
    # Last, so that an environment that was not completed is made anew.
    echo "$pins" >"$venv/pins"
fi
exec "$venv/bin/python" "$@"
