#!/bin/sh
# Breaks one rule after the other on purpose and expects the tests to notice each.
#
# Every cargo feature `sabotage-*` of engine/acd is one broken rule of distribution, judged by the rules' stories and the
# core's own simulation; every one of engine/core is one broken promise of calls, judged by the scenarios and the simulated
# world; every one of engine/replay is one of replays, judged by days of that world. Built without optimisation and in target
# folders of their own, the first two crates side by side.
# Prints a table; exits 1 if something broken passes both of its tests. What the first has caught is not shown to the second,
# unless SABOTAGE_ALL=1 asks for all of it.
set -eu
cd "$(dirname "$0")/.."

target="${CARGO_TARGET_DIR:-target}/sabotage"
export CARGO_PROFILE_CI_OPT_LEVEL=0 CARGO_PROFILE_CI_DEBUG=0 RUST_BACKTRACE=0
export SIM_SEEDS="${SIM_SEEDS:-4}" SIM_CALLS="${SIM_CALLS:-300}"

# tests CRATE: the two tests that judge a crate, as PACKAGE:TEST:FILTER
tests() {
    case $1 in
    acd) echo "acd:rules: acd:simulation:" ;;
    engine) echo "scenarios:stories: sim:crowd:invariants" ;;
    replay) echo "replay:other_centre: replay:identical:" ;;
    esac
}

# features CRATE: what can be broken in it
features() {
    case $1 in
    acd) manifest=engine/acd/Cargo.toml ;;
    engine) manifest=engine/core/Cargo.toml ;;
    replay) manifest=engine/replay/Cargo.toml ;;
    esac
    sed -n 's/^\(sabotage-[a-z-]*\) = .*/\1/p' "$manifest"
}

# cargo_test PACKAGE:TEST:FILTER FEATURE [ARGUMENT...]: runs or builds that test, with that feature if there is one
cargo_test() {
    package=${1%%:*} test=${1#*:} filter=${1##*:} feature=$2
    shift 2
    timeout 600 cargo test -q --profile ci -p "$package" --test "${test%%:*}" ${feature:+--features "$feature"} "$@" $filter
}

# run PACKAGE:TEST:FILTER LOG [FEATURE]: says whether that test passed, failed, or never came to an end
run() {
    cargo_test "$1" "${3:-}" --no-run >"$2" 2>&1 || { cat "$2" >&2; echo "sabotage: ${3:-$1} does not build" >&2; exit 1; }
    if cargo_test "$1" "${3:-}" >"$2" 2>&1; then
        echo passed
    elif [ $? -eq 124 ]; then
        echo hung
    else
        echo caught
    fi
}

# judge CRATE: prints its lines of the table; fails if something was not caught, or nothing could be judged
judge() {
    export CARGO_TARGET_DIR="$target/$1"
    logs="$target/$1/logs" missed=0
    mkdir -p "$logs"
    for test in $(tests "$1"); do
        if [ "$(run "$test" "$logs/plain")" != passed ]; then
            cat "$logs/plain"
            echo "sabotage: '$test' fails without any sabotage"
            return 1
        fi
    done
    for feature in $(features "$1"); do
        outcomes=
        for test in $(tests "$1"); do
            case "$outcomes${SABOTAGE_ALL:-}" in
            *caught) outcomes="$outcomes -" ;;
            *) outcomes="$outcomes $(run "$test" "$logs/$feature.${test%%:*}" "$1/$feature")" ;;
            esac
        done
        verdict=
        case $outcomes in
        *caught*) ;;
        *)
            verdict='<- NOT CAUGHT'
            missed=$((missed + 1))
            ;;
        esac
        # shellcheck disable=SC2086
        printf '%-32s %-8s %-10s %s\n' "$feature" $outcomes "$verdict"
    done
    [ "$missed" -eq 0 ]
}

printf '%-32s %-8s %-10s\n' 'broken on purpose' stories simulation
judge acd &
acd=$!
judge engine &
engine=$!
failed=0
judge replay || failed=1
wait $acd || failed=1
wait $engine || failed=1
[ $failed -eq 0 ] || echo 'sabotage: not everything was caught'
exit $failed
