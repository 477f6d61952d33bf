//! Numbers as the words they are spoken with, each a clip of its own.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// The greatest number that can be spoken.
pub(crate) const SPOKEN_MAX: u32 = 999;

/// The clips that speak `number` in English; none for 0 and above [`SPOKEN_MAX`].
pub(crate) fn number(number: u32) -> Vec<String> {
    if number > SPOKEN_MAX {
        return Vec::new();
    }
    let (hundreds, rest) = (number / 100, number % 100);
    let (tens, ones) = if rest < 20 {
        (0, rest)
    } else {
        (rest - rest % 10, rest % 10)
    };
    let mut words = Vec::new();
    if hundreds > 0 {
        words.push(format!("number-{hundreds}"));
        words.push(String::from("hundred"));
    }
    let rest = [tens, ones].into_iter().filter(|part| *part > 0);
    words.extend(rest.map(|part| format!("number-{part}")));
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_number_has_its_words() {
        for (said, words) in [
            (0, ""),
            (1, "number-1"),
            (19, "number-19"),
            (20, "number-20"),
            (21, "number-20 number-1"),
            (99, "number-90 number-9"),
            (100, "number-1 hundred"),
            (110, "number-1 hundred number-10"),
            (342, "number-3 hundred number-40 number-2"),
            (999, "number-9 hundred number-90 number-9"),
            (1000, ""),
        ] {
            assert_eq!(number(said).join(" "), words, "{said}");
        }
    }

    #[test]
    fn every_word_is_a_sound_that_comes_with_the_program() {
        let known: Vec<&str> = media::assets::WORDS.iter().map(|word| word.name).collect();
        for said in 1..=SPOKEN_MAX {
            assert!(!number(said).is_empty());
            for word in number(said) {
                assert!(known.contains(&&*word), "{word}");
            }
        }
    }
}
