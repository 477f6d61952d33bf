//! What queues learn, and whether four in five are answered in the time they are told.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;

use super::*;

const SECOND: i64 = 1_000_000;

#[test]
fn a_new_queue_has_an_estimate_and_one_without_agents_has_none() {
    let pace = Pace::default();
    assert_eq!(
        pace.estimate(0, 1_000),
        Some(300),
        "1.6 × 180 s, rounded up"
    );
    assert_eq!(pace.estimate(0, 10_000), Some(30));
    assert_eq!(pace.estimate(3, 0), None);
}

#[test]
fn later_calls_count_more() {
    let mut pace = Pace::default();
    (0..200).for_each(|_| pace.call_took(60 * SECOND));
    assert!(pace.call_us < 66 * SECOND, "{pace:?}");
    (0..60).for_each(|_| pace.call_took(600 * SECOND));
    assert!(pace.call_us > 380 * SECOND, "{pace:?}");
}

#[test]
fn the_correction_stays_in_bounds() {
    for (right, bound) in [(true, 256), (false, 4_096)] {
        let mut pace = Pace::default();
        (0..10_000).for_each(|_| pace.was_right(right));
        assert_eq!(pace.correction, bound);
    }
}

/// Chance, the same every time.
struct Dice(u64);

impl Dice {
    /// Exponentially distributed, in microseconds.
    fn span(&mut self, mean: i64) -> i64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        let uniform = ((self.0 >> 11) as f64 + 1.0) / (1_u64 << 53) as f64;
        (-uniform.ln() * mean as f64) as i64 + 1
    }
}

/// A queue served first come first served.
struct Line {
    dice: Dice,
    agents: usize,
    call_us: i64,
    patience_us: Option<i64>,
    /// What estimates are made with, in thousandths of an agent.
    believed_milli: u32,
}

#[derive(Default)]
struct Seen {
    right: u32,
    wrong: u32,
    callers: u32,
    had_to_wait: u32,
}

/// Somebody in line: when they came, what they were told, when they would give up.
type Caller = (i64, u32, i64);

impl Line {
    /// So many callers; what the first fifth of them see is for learning.
    fn play(&mut self, callers: u32, between_us: i64) -> Seen {
        let (mut pace, mut seen) = (Pace::default(), Seen::default());
        let mut line: VecDeque<Caller> = VecDeque::new();
        let mut busy: BTreeMap<(i64, u32), i64> = BTreeMap::new();
        let mut arrival = self.dice.span(between_us);
        for number in 0..callers {
            // All that ends before the next caller comes.
            while let Some((&(ends, _), _)) = busy
                .first_key_value()
                .filter(|((ends, _), _)| *ends <= arrival)
            {
                if let Some((_, call_us)) = busy.pop_first() {
                    pace.call_took(call_us);
                }
                self.give_up(&mut line, ends, &mut pace, &mut seen, number > callers / 5);
                if let Some((came, told, _)) = line.pop_front() {
                    let right = ends - came <= i64::from(told) * SECOND;
                    pace.waited(ends - came, false);
                    pace.was_right(right);
                    seen.count(right, number > callers / 5);
                    self.serve(&mut busy, ends, number);
                }
            }
            self.give_up(
                &mut line,
                arrival,
                &mut pace,
                &mut seen,
                number > callers / 5,
            );
            seen.callers += 1;
            if busy.len() < self.agents {
                pace.waited(0, false);
                self.serve(&mut busy, arrival, number);
            } else {
                let ahead = u32::try_from(line.len()).unwrap();
                let told = pace.estimate(ahead, self.believed_milli).unwrap();
                let patience = self
                    .patience_us
                    .map_or(i64::MAX, |mean| arrival + self.dice.span(mean));
                line.push_back((arrival, told, patience));
                seen.had_to_wait += 1;
            }
            arrival += self.dice.span(between_us);
        }
        seen
    }

    fn serve(&mut self, busy: &mut BTreeMap<(i64, u32), i64>, at: i64, number: u32) {
        let call_us = self.dice.span(self.call_us);
        let mut key = (at + call_us, number);
        while busy.contains_key(&key) {
            key.0 += 1;
        }
        busy.insert(key, call_us);
    }

    fn give_up(
        &self,
        line: &mut VecDeque<Caller>,
        now: i64,
        pace: &mut Pace,
        seen: &mut Seen,
        counts: bool,
    ) {
        let (gone, stay): (Vec<Caller>, Vec<Caller>) =
            line.drain(..).partition(|(_, _, until)| *until <= now);
        line.extend(stay);
        for (came, told, until) in gone {
            pace.waited(until - came, true);
            if until - came > i64::from(told) * SECOND {
                pace.was_right(false);
                seen.count(false, counts);
            }
        }
    }
}

impl Seen {
    fn count(&mut self, right: bool, counts: bool) {
        if counts {
            self.right += u32::from(right);
            self.wrong += u32::from(!right);
        }
    }

    fn percent_right(&self) -> u32 {
        self.right * 100 / (self.right + self.wrong).max(1)
    }
}

fn line(seed: u64, agents: usize) -> Line {
    Line {
        dice: Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1),
        agents,
        call_us: 150 * SECOND,
        patience_us: None,
        believed_milli: u32::try_from(agents).unwrap() * 1_000,
    }
}

#[test]
fn four_in_five_are_answered_in_the_time_they_were_told() {
    for seed in 1..=8 {
        for (name, agents, load_percent, patience) in [
            ("a few agents", 4, 85, None),
            ("many", 30, 95, None),
            ("impatient callers", 10, 120, Some(200 * SECOND)),
            ("one agent", 1, 80, Some(600 * SECOND)),
        ] {
            let mut line = line(seed, agents);
            line.patience_us = patience;
            let between = 150 * SECOND * 100 / (i64::try_from(agents).unwrap() * load_percent);
            let percent = line.play(6_000, between).percent_right();
            assert!(
                (72..=88).contains(&percent),
                "{name}, seed {seed}: {percent} %"
            );
        }
    }
}

#[test]
fn it_learns_that_agents_have_less_time_than_thought() {
    for (name, believed) in [("twice as many", 12_000), ("half as many", 3_000)] {
        let mut line = line(5, 6);
        line.believed_milli = believed;
        let percent = line
            .play(6_000, 150 * SECOND * 100 / (6 * 90))
            .percent_right();
        assert!((72..=88).contains(&percent), "{name}: {percent} %");
    }
}

/// The line itself is right: as many have to wait as Erlang C says.
#[test]
fn as_many_wait_as_erlang_says() {
    let (mut waited, mut callers) = (0, 0);
    for seed in 1..=8 {
        let seen = line(seed, 10).play(20_000, 150 * SECOND / 8);
        waited += seen.had_to_wait;
        callers += seen.callers;
    }
    let share = waited * 1_000 / (callers / 1_000);
    let erlang = acd::erlang::waiting(8_000, 10).unwrap();
    assert!(
        share.abs_diff(erlang) < 15_000,
        "{share} of a million, not {erlang}"
    );
}
