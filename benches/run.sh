#!/bin/bash
# usage: run.sh [--accept] [codec|acd|engine|relay|call|queue]...
# Builds the benches and what they measure as it is shipped, runs them, and prints the table; see docs/performance.md.
# What stands beside ours is used if it is installed: apt-get install valgrind sip-tester kamailio rtpengine-daemon
set -euo pipefail
cd "$(dirname "$0")/.."

cargo=${CARGO:-cargo}
$cargo build --release --package benches
$cargo build --release --package media-io --example relay
$cargo build --release --package lampfield --bin lampfield

# A relay of 200 calls has 800 sockets, and each caller who waits has two.
ulimit -n 16384 2>/dev/null || ulimit -n "$(ulimit -Hn)"
if pgrep -x rustc >/dev/null; then
    echo "a build is running on this machine: figures in time will be wrong, those in instructions not" >&2
fi
# In a session of their own with a raised weight, if we may: else a busy machine starves the load, which then loses packets.
exec setsid --wait bash -c 'echo -15 2>/dev/null >/proc/self/autogroup || true; exec "$@"' benches \
    "${CARGO_TARGET_DIR:-target}/release/benches" "$@"
