#!/bin/bash
# usage: soak.sh [SECONDS]
# The long runs: the simulation with 100 seeds of 10,000 calls and 900 more of 1,000, and the distribution core's own with
# 1,000; a day of 20,000 calls played again; the daemon killed
# 50 times under load, and SIPp with media for three minutes, after which nothing may be left of its calls; then 20 calls a
# second through the daemon for SECONDS (180), after which its memory must not have grown. Takes hours; ends at the first failure.
set -euo pipefail
cd "$(dirname "$0")/.."

cargo=${CARGO:-cargo}
profile=${PROFILE:-ci}
$cargo run --profile "$profile" --package sim -- --seed 1 --seeds 100 --calls 10000
$cargo run --profile "$profile" --package sim -- --seed 101 --seeds 900 --calls 1000
SIM_SEEDS=1000 $cargo test --profile "$profile" --package acd --test simulation random_centres
SIM_SEEDS=1 SIM_CALLS=20000 $cargo test --profile "$profile" --package replay --test identical i8_
LAMPFIELD_LONG=1 $cargo test --profile "$profile" --package e2e --test e2e -- --nocapture e2e_kill_9 e2e_soak

$cargo build --release --package lampfield --bin lampfield
$cargo build --release --package benches
ulimit -n 16384 2>/dev/null || ulimit -n "$(ulimit -Hn)"
exec setsid --wait bash -c 'echo -15 2>/dev/null >/proc/self/autogroup || true; exec "$@"' soak \
    "${CARGO_TARGET_DIR:-target}/release/benches" "--soak=${1:-180}"
