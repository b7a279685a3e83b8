#!/bin/sh
# Makes the environment of the peers that are Python programs: setup.sh FOLDER REQUIREMENTS
set -eu
folder=$1
requirements=$2
python=${PYTHON:-python3}
if ! "$folder/bin/python" -c 'import sys' 2>/dev/null; then
  rm -rf "$folder"
  "$python" -m venv "$folder"
fi
"$folder/bin/python" -m pip --disable-pip-version-check --quiet install --only-binary :all: -r "$requirements"
# Written last: an environment without it is not complete.
cp "$requirements" "$folder/requirements.txt"
