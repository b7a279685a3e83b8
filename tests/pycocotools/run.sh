#!/bin/sh
# Runs evaluate.py in an environment of its own with pinned versions: run.sh INPUT.json
# Exit code 77: Python or the packages cannot be had here, so nothing was checked.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
venv="$here/../../.venv/pycocotools"
pins="pycocotools==2.0.10 numpy==2.2.6"

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
exec "$venv/bin/python" "$here/evaluate.py" "$@"
