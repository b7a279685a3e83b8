#!/bin/sh
# Runs evaluate.py: run.sh INPUT.json. Exit code 77: Python or the packages cannot be had here, so nothing was checked.
here=$(dirname "$0")
exec sh "$here/../../testkit/python.sh" pycocotools "pycocotools==2.0.10 numpy==2.2.6" "$here/evaluate.py" "$@"
