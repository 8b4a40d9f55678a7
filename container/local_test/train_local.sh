#!/usr/bin/env bash
# Trains on test_dir/input. Leaves test_dir/model and test_dir/output, which git ignores; an earlier run's are removed.
# Usage: ./train_local.sh        IMAGE names the image (default: algoflow-sagemaker)
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=where.sh
source "$(dirname "${BASH_SOURCE[0]}")/where.sh"

rm -rf "$test_dir/model" "$test_dir/output"
mkdir -p "$test_dir/model" "$test_dir/output"
run_program train
