#!/bin/sh
# Breaks one rule after the other on purpose and expects the tests to notice each.
#
# Every cargo feature `sabotage-*` of engine/acd is one broken rule of distribution, judged by the rules' stories and the
# core's own simulation; every one of engine/core is one broken promise of calls, judged by the scenarios and the simulated
# world; every one of engine/replay is one of replays, judged by days of that world. The tests are built once, so that they can
# break any of them (feature `sabotage`), and are told which by the environment: one build for each took four times as long.
# What stands behind a feature in its manifest is the test that is made for it, by the beginning of its name: it is asked first.
# Prints a table; exits 1 if something broken passes both of its tests. What the first has caught is not shown to the second,
# unless SABOTAGE_ALL=1 asks for all of it.
set -eu
cd "$(dirname "$0")/.."

export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$PWD/target}" RUST_BACKTRACE=0
logs="$CARGO_TARGET_DIR/sabotage"
mkdir -p "$logs"
export SIM_SEEDS="${SIM_SEEDS:-4}" SIM_CALLS="${SIM_CALLS:-300}"

# tests CRATE: the two tests that judge a crate, as FOLDER:TEST:FILTER
tests() {
    case $1 in
    acd) echo "engine/acd:rules: engine/acd:simulation:" ;;
    engine) echo "tests/scenarios:stories: tests/sim:crowd:invariants" ;;
    replay) echo "engine/replay:other_centre: engine/replay:identical:" ;;
    esac
}

# manifest CRATE: where its features stand
manifest() {
    case $1 in
    acd) echo engine/acd/Cargo.toml ;;
    engine) echo engine/core/Cargo.toml ;;
    replay) echo engine/replay/Cargo.toml ;;
    esac
}

# features CRATE: what can be broken in it
features() {
    sed -n 's/^\(sabotage-[a-z-]*\) = .*/\1/p' "$(manifest "$1")"
}

# made_for CRATE FEATURE: the test of its first program that is made for it
made_for() {
    sed -n "s/^$2 = .* # //p" "$(manifest "$1")"
}

build() {
    cargo test --profile ci --workspace --no-run \
        --features acd/sabotage,engine/sabotage,replay/sabotage \
        --test rules --test simulation --test stories --test crowd --test other_centre --test identical \
        >"$logs/build" 2>&1 || { cat "$logs/build" >&2; echo 'sabotage: does not build' >&2; exit 1; }
}

# program TEST: what was built of it
program() {
    sed -n "s|^ *Executable .*(\(.*/$1-[0-9a-f]*\))\$|\1|p" "$logs/build" | tail -n 1
}

# run FOLDER:TEST:FILTER LOG [CRATE/FEATURE]: says whether that test passed, failed, or never came to an end
run() {
    folder=${1%%:*} test=${1#*:} filter=${1##*:}
    test=${test%%:*}
    program=$(program "$test")
    # Cargo names what lies below the current folder by its way from there.
    case $program in /*) ;; *) program=$PWD/$program ;; esac
    [ -x "$program" ] || { echo "sabotage: no test $test was built" >&2; exit 1; }
    # shellcheck disable=SC2086
    if (cd "$folder" && CARGO_MANIFEST_DIR="$PWD" SABOTAGE="${3:-}" timeout 600 "$program" -q $filter) >"$2" 2>&1; then
        echo passed
    elif [ $? -eq 124 ]; then
        echo hung
    else
        echo caught
    fi
}

# judge CRATE: prints its lines of the table; fails if something was not caught, or nothing could be judged
judge() {
    missed=0
    for test in $(tests "$1"); do
        if [ "$(run "$test" "$logs/$1.plain")" != passed ]; then
            cat "$logs/$1.plain"
            echo "sabotage: '$test' fails without any sabotage"
            return 1
        fi
    done
    for feature in $(features "$1"); do
        outcomes=
        made=$(made_for "$1" "$feature")
        for test in $(tests "$1"); do
            if [ -z "$outcomes" ] && [ -n "$made" ] &&
                [ "$(run "${test%:*}:$made" "$logs/$1.$feature" "$1/$feature")" = caught ]; then
                outcomes=' caught'
                continue
            fi
            case "$outcomes${SABOTAGE_ALL:-}" in
            *caught) outcomes="$outcomes -" ;;
            *) outcomes="$outcomes $(run "$test" "$logs/$1.$feature" "$1/$feature")" ;;
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
        printf '%-40s %-8s %-10s %s\n' "$1/$feature" $outcomes "$verdict"
    done
    [ "$missed" -eq 0 ]
}

build
printf '%-40s %-8s %-10s\n' 'broken on purpose' stories simulation
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
