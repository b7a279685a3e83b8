#!/bin/sh
# Runs independent_reader.py: independent_reader.sh OUTPUT_DIR. Exit code 77: Python or the packages cannot be had here, so
# nothing was checked.
here=$(dirname "$0")
exec sh "$here/../../testkit/python.sh" independent-reader "pyarrow==22.0.0 duckdb==1.4.2" "$here/independent_reader.py" "$@"
