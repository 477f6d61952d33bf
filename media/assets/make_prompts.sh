#!/bin/sh
# Speaks the prompts that come with Lampfield. Needs espeak-ng and sox from Debian.
#
#     media/assets/make_prompts.sh [DIRECTORY]
#
# Writes into the directory, by default the one this script is in.
set -eu

directory=${1:-$(dirname "$0")}
spoken=$(mktemp)
trap 'rm -f "$spoken"' EXIT

# speak NAME TEXT: 8000 Hz, mono, 16 bit; what a telephone does not carry is taken away before the level is set.
speak() {
    espeak-ng -v en-gb -s 145 -w "$spoken" "$2"
    sox -D -t wav "$spoken" -r 8000 -c 1 -b 16 "$directory/$1.wav" highpass 180 gain -n -6 pad 0.2 0.4
}

speak welcome "Welcome. Please hold the line. The next free colleague will be with you shortly."
speak closed "Thank you for calling. We are closed at the moment. Please call again during our opening hours. Goodbye."
speak sorry "We are sorry. Nobody can take your call at the moment. Please try again later. Goodbye."
