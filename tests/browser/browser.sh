#!/usr/bin/env bash
# The browser of the tests: Debian's chromium, which Playwright drives.
# Usage: browser.sh install     installs it if absent; needs root on Debian
set -euo pipefail

install() {
    command -v chromium >/dev/null && return
    [[ $(id -u) == 0 && -e /etc/debian_version ]] \
        || { echo "Install chromium yourself: this needs root on Debian." >&2; exit 1; }
    echo "Installing chromium." >&2
    export DEBIAN_FRONTEND=noninteractive
    apt-get update --quiet=2
    apt-get install --yes --quiet=2 --no-install-recommends chromium fonts-dejavu-core >/dev/null
}

case "${1:-}" in
    install) install ;;
    *) sed -n '2,3s/^# //p' "$0" >&2; exit 2 ;;
esac
