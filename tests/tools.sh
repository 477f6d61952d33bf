#!/usr/bin/env bash
# Installs what the tests need where it is missing: real phones, load generators and a browser from Debian's packages, and the
# browser's phone from npm.
set -euo pipefail
cd "$(dirname "$0")"

missing=()
need() { command -v "$1" >/dev/null 2>&1 || missing+=("$2"); }
need sipp sip-tester
need baresip baresip-core
need curl curl
need python3 python3
need tshark tshark
need svmap sipvicious
need openssl openssl
need stunnel4 stunnel4
need chromium chromium
need node nodejs
need npm npm

if [ ${#missing[@]} -ne 0 ]; then
    echo "installing: ${missing[*]}"
    if [ "$(id -u)" -ne 0 ]; then
        as_root=sudo
        command -v sudo >/dev/null || { echo "run as root, or: apt-get install ${missing[*]}" >&2; exit 1; }
    else
        as_root=
    fi
    $as_root apt-get update -qq
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
fi

# What the lock names, unless that is there already. No browser comes with it.
installed=e2e/browser/node_modules/.package-lock.json
if [ ! -e "$installed" ] || [ e2e/browser/package-lock.json -nt "$installed" ]; then
    npm ci --prefix e2e/browser --no-audit --no-fund --silent
fi
