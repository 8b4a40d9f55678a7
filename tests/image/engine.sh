#!/usr/bin/env bash
# The Docker engine that the tests use.
# Usage: engine.sh install     Debian's docker.io, debootstrap and docker-registry, each only if absent; needs root
#        engine.sh start       starts dockerd in the background if no engine answers, and prints its process id;
#                              prints nothing where an engine answered already, which is then not ours to stop
#        engine.sh stop PID    ends what start has started
set -euo pipefail

answers() { docker version >/dev/null 2>&1; }

install() {
    local missing=()
    command -v docker >/dev/null && { answers || command -v dockerd >/dev/null; } || missing+=(docker.io)
    command -v debootstrap >/dev/null || missing+=(debootstrap)
    command -v docker-registry >/dev/null || missing+=(docker-registry)
    [[ ${#missing[@]} -gt 0 ]] || return 0
    [[ $(id -u) == 0 && -e /etc/debian_version ]] \
        || { echo "Install ${missing[*]} yourself: this needs root on Debian." >&2; exit 1; }
    echo "Installing ${missing[*]}." >&2
    export DEBIAN_FRONTEND=noninteractive
    apt-get update --quiet=2
    apt-get install --yes --quiet=2 --no-install-recommends "${missing[@]}" >/dev/null
}

start() {
    answers && return
    command -v dockerd >/dev/null || { echo "no Docker engine answers, and dockerd is not installed" >&2; exit 1; }
    [[ $(id -u) == 0 ]] || { echo "no Docker engine answers, and starting one needs root" >&2; exit 1; }
    local log pid
    log=$(mktemp -t dockerd-XXXXXX.log)
    setsid dockerd >"$log" 2>&1 </dev/null &
    pid=$!
    for _ in $(seq 300); do
        answers && { rm -f "$log"; echo "$pid"; return; }
        kill -0 "$pid" 2>/dev/null || break
        sleep 0.2
    done
    kill "$pid" 2>/dev/null || true
    echo "dockerd did not start: $(tail -n 1 "$log")" >&2
    rm -f "$log"
    exit 1
}

stop() {
    kill "$1"
    for _ in $(seq 150); do
        kill -0 "$1" 2>/dev/null || return 0
        sleep 0.2
    done
}

case "${1:-}" in
    install | start | stop) "$@" ;;
    *) sed -n '2,6s/^# //p' "$0" >&2; exit 2 ;;
esac
