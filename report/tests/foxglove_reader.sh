#!/bin/sh
# Runs foxglove_reader.py: foxglove_reader.sh FILE.mcap. Exit code 77: Python or the packages cannot be had here, so
# nothing was checked.
here=$(dirname "$0")
pins="mcap==1.6.0 foxglove-schemas-protobuf==0.4.0 jsonschema==4.26.0 protobuf==7.36.2"
exec sh "$here/../../testkit/python.sh" foxglove-reader "$pins" "$here/foxglove_reader.py" "$@"
