#!/usr/bin/env bash
# Sends a request to serve_local.sh and prints the answer; the exit code is 0 only if the status is 200.
# Usage: ./predict_local.sh [payload] [content-type]
#   payload       a file (default: test_dir/payload.json); there is a payload.csv, too
#   content-type  default: by the file's ending (csv, json, jsonl, parquet)
#   PORT is the port (default: 8080), ACCEPT the form of the answer (default: text/csv)
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

payload="${1:-$here/test_dir/payload.json}"
case "$payload" in
    *.csv) type=text/csv ;;
    *.jsonl) type=application/jsonlines ;;
    *.parquet) type=application/x-parquet ;;
    *) type=application/json ;;
esac

curl --silent --show-error --fail-with-body --max-time 60 \
    --header "Content-Type: ${2:-$type}" --header "Accept: ${ACCEPT:-text/csv}" --header "Expect:" \
    --data-binary "@$payload" "http://localhost:${PORT:-8080}/invocations"
echo
