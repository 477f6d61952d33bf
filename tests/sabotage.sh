#!/bin/sh
# Breaks one rule of distribution after the other on purpose and expects the tests to notice each.
#
# Every cargo feature `sabotage-*` of engine/acd is one broken rule. Only that crate is built, without
# optimisation and in a target folder of its own, so that a build beside it is not held up.
# Prints a table; exits 1 if a broken rule passes both the rules' stories and the simulation.
set -eu
cd "$(dirname "$0")/.."

target="${CARGO_TARGET_DIR:-target}/sabotage"
logs="$target/logs"
mkdir -p "$logs"
export CARGO_TARGET_DIR="$target"
export CARGO_PROFILE_CI_OPT_LEVEL=0 CARGO_PROFILE_CI_DEBUG=0 RUST_BACKTRACE=0
export SIM_SEEDS="${SIM_SEEDS:-4}" SIM_CALLS="${SIM_CALLS:-300}"

# runs TEST LOG [FEATURE]: says whether that test passed, failed, or never came to an end
run() {
    if timeout 300 cargo test -q --profile ci -p acd --test "$1" ${3:+--features "acd/$3"} >"$2" 2>&1; then
        echo passed
    elif [ $? -eq 124 ]; then
        echo hung
    else
        echo caught
    fi
}

build() {
    cargo test -q --profile ci -p acd --test rules --test simulation --no-run ${1:+--features "acd/$1"} >"$logs/build" 2>&1 ||
        { cat "$logs/build"; echo "sabotage: ${1:-acd} does not build"; exit 1; }
}

build ""
for test in rules simulation; do
    if [ "$(run $test "$logs/$test")" != passed ]; then
        cat "$logs/$test"
        echo "sabotage: '$test' fails without any sabotage"
        exit 1
    fi
done

missed=0
printf '%-32s %-8s %-10s\n' 'broken on purpose' rules simulation
for feature in $(sed -n 's/^\(sabotage-[a-z-]*\) = .*/\1/p' engine/acd/Cargo.toml); do
    build "$feature"
    rules=$(run rules "$logs/$feature.rules" "$feature")
    simulation=$(run simulation "$logs/$feature.simulation" "$feature")
    verdict=
    if [ "$rules" != caught ] && [ "$simulation" != caught ]; then
        verdict='<- NOT CAUGHT'
        missed=$((missed + 1))
    fi
    printf '%-32s %-8s %-10s %s\n' "$feature" "$rules" "$simulation" "$verdict"
done
echo "not caught: $missed"
[ "$missed" -eq 0 ]
