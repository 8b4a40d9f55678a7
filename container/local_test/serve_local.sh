#!/usr/bin/env bash
# Serves what train_local.sh left in test_dir/model, until Ctrl-C.
# Usage: ./serve_local.sh        PORT is the port (default: 8080), IMAGE names the image (default: algoflow-sagemaker)
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=where.sh
source "$(dirname "${BASH_SOURCE[0]}")/where.sh"

run_program serve --publish "$port:8080"
