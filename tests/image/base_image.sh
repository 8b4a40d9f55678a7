#!/usr/bin/env bash
# Makes a stand-in for python:3.11-slim-bookworm out of Debian's own packages, for a machine that cannot pull an image.
# Usage: base_image.sh [name]        default: convect-tests/python:3.11-slim; kept if the engine has it
# It is given this machine's CA certificates, so that a build from it reaches the package index that this machine
# reaches. Needs root, debootstrap and a Docker engine. MIRROR is where Debian's packages come from.
set -euo pipefail
name="${1:-convect-tests/python:3.11-slim}"
suite=bookworm
mirror="${MIRROR:-http://deb.debian.org/debian}"

if docker image inspect "$name" >/dev/null 2>&1; then
    exit 0
fi
command -v debootstrap >/dev/null || { echo "debootstrap is not installed: run 'make engine'." >&2; exit 1; }
[[ $(id -u) == 0 ]] || { echo "debootstrap needs root: run as root, or name an image in BASE_IMAGE." >&2; exit 1; }

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
echo "Making the base image $name with debootstrap (about a minute and a half, once)." >&2
debootstrap --variant=minbase --include=ca-certificates,netbase,python3,python3-venv,tzdata "$suite" "$root" "$mirror" \
    >"$root.log" 2>&1 || { tail -n 5 "$root.log" >&2; rm -f "$root.log"; exit 1; }
rm -f "$root.log"

# What the real one has not got, either.
rm -rf "$root"/usr/share/{doc,info,locale,man} "$root"/var/{cache,lib}/apt/* "$root"/var/log/* "$root"/tmp/*
find "$root/usr/lib/python3" "$root/usr/lib/python3.11" -name __pycache__ -prune -exec rm -rf {} +
mkdir -p "$root/var/lib/apt/lists/partial" "$root/var/cache/apt/archives/partial" "$root/var/log/apt"
ln -s /usr/bin/python3 "$root/usr/local/bin/python"

cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
tar --numeric-owner -C "$root" -c . | docker import \
    --change 'ENV PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin' \
    --change 'ENV LANG=C.UTF-8' --change 'CMD ["python3"]' \
    --message "stand-in for python:3.11-slim-$suite" - "$name" >/dev/null
