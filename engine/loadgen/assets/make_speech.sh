#!/bin/sh
# Makes what the made-up people say, once; the results are committed. Needs espeak-ng and sox (Debian).
set -eu
cd "$(dirname "$0")"
say() {
    espeak-ng -v "$2" -s 150 -w /tmp/speech.$$.wav "$3"
    sox /tmp/speech.$$.wav -r 8000 -c 1 -b 16 "$1.wav" gain -n -6 pad 0 1.5
    rm /tmp/speech.$$.wav
}
say caller en-gb+f3 "Hello. I am one of the made up callers of the demo. I would like to ask about my order, please."
say attendant en-gb+m3 "Good morning, this is the demo centre. How can I help you? One moment, I will look that up."
