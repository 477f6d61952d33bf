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

# word NAME TEXT: the same without silence at its ends, to be strung together with others
word() {
    espeak-ng -v en-gb -s 145 -w "$spoken" "$2"
    sox -D -t wav "$spoken" -r 8000 -c 1 -b 16 "$directory/words/$1.wav" highpass 180 gain -n -6 \
        silence 1 0.01 1% reverse silence 1 0.01 1% reverse pad 0.01 0.06
}

# speak NAME TEXT: 8000 Hz, mono, 16 bit; what a telephone does not carry is taken away before the level is set.
speak() {
    espeak-ng -v en-gb -s 145 -w "$spoken" "$2"
    sox -D -t wav "$spoken" -r 8000 -c 1 -b 16 "$directory/$1.wav" highpass 180 gain -n -6 pad 0.2 0.4
}

speak welcome "Welcome. Please hold the line. The next free colleague will be with you shortly."
speak closed "Thank you for calling. We are closed at the moment. Please call again during our opening hours. Goodbye."
speak sorry "We are sorry. Nobody can take your call at the moment. Please try again later. Goodbye."

sox -D -n -r 8000 -c 1 -b 16 "$directory/silence.wav" trim 0 1

mkdir -p "$directory/words"
word next "You are next in line."
word position "Your position in line is"
word wait "Your waiting time is about"
word wait-short "Your waiting time is less than one minute."
word minute "minute"
word minutes "minutes"
word hundred "hundred"
number=1
for text in one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen; do
    word "number-$number" "$text"
    number=$((number + 1))
done
number=20
for text in twenty thirty forty fifty sixty seventy eighty ninety; do
    word "number-$number" "$text"
    number=$((number + 10))
done
