//! What callers of a queue are told while they wait.
//!
//! An announcement is a list of clips, played one after the other; then the music goes on where it was. The first comes
//! after the welcome, the next ones `announce.every` seconds apart, counted from their beginnings. While a phone rings
//! for the caller nothing is said: an answer would cut it short. A place is told only while it gets no worse: who is
//! overtaken by callers with more priority is not told so. The wait told is the estimate made at the entry, counted down;
//! when it is over, none is told any more.

use alloc::collections::VecDeque;
use alloc::string::String;
use core::time::Duration;

use super::{Place, Stage, Waiting};
use crate::engine::{Engine, Timer};
use crate::ids::{CallId, LegId};
use crate::{sabotage, spoken};

/// Before the first announcement to a caller who hears no welcome.
const FIRST: Duration = Duration::from_secs(2);

/// What a caller who waits is told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Announced {
    /// Clips that are still to be played of the announcement under way.
    playlist: VecDeque<String>,
    /// The best place told.
    told: Option<u32>,
    /// The moment by which the estimate made at the entry says that it is answered.
    answered_by: Option<Duration>,
    /// The first announcement has been made, or its time is set; until then the welcome is heard.
    begun: bool,
}

impl Engine {
    /// The caller has entered the queue, and hears its welcome or its music.
    pub(crate) fn begin_announcing(&mut self, call: CallId, greeted: bool) {
        self.cancel_announcement(call);
        if !greeted && self.announce_of(call).is_some() {
            self.announce_after(call, FIRST);
        }
    }

    /// Those who wait in queues that have begun to announce hear it, too.
    pub(crate) fn begin_new_announcements(&mut self) {
        for call in self.waiting_calls() {
            let is_set = self
                .calls
                .get(&call)
                .is_none_or(|call| call.announcement.is_some());
            if let Some(announce) = self.announce_of(call).filter(|_| !is_set) {
                let every = announce.every.into();
                self.announce_after(call, every);
            }
        }
    }

    fn cancel_announcement(&mut self, call: CallId) {
        let found = self.calls.get_mut(&call);
        if let Some(timer) = found.and_then(|call| call.announcement.take()) {
            self.timers.cancel(timer);
        }
    }

    /// A clip has ended that somebody who waits has heard: the next word, the first announcement, or music.
    pub(crate) fn go_on_waiting(&mut self, call: CallId, caller: LegId) {
        let Some(waiting) = self.waiting_mut(call) else {
            return;
        };
        let next = waiting.announced.playlist.pop_front();
        let welcomed = !waiting.announced.begun;
        if let Some(word) = next {
            self.play_word(call, caller, &word);
        } else if !(welcomed && self.tell_waiting(call)) {
            self.play_music(call, caller);
        }
    }

    /// It is time for the next announcement.
    pub(crate) fn on_announce(&mut self, call: CallId) {
        self.cancel_announcement(call);
        self.tell_waiting(call);
    }

    /// Says what is to be said now, and sets the time of the next. False if nothing is said.
    fn tell_waiting(&mut self, call: CallId) -> bool {
        let Some(every) = self.announce_of(call).map(|announce| announce.every) else {
            return false;
        };
        self.announce_after(call, every.into());
        let rings = self
            .calls
            .get(&call)
            .is_none_or(|call| !call.rings.is_empty());
        let playlist = if rings {
            VecDeque::new()
        } else {
            self.playlist(call)
        };
        let caller = self.calls.get(&call).map(|call| call.caller);
        let (Some(caller), Some(waiting)) = (caller, self.waiting_mut(call)) else {
            return false;
        };
        waiting.announced.playlist = playlist;
        let Some(word) = waiting.announced.playlist.pop_front() else {
            return false;
        };
        self.play_word(call, caller, &word);
        true
    }

    /// The clips of the next announcement.
    fn playlist(&mut self, call: CallId) -> VecDeque<String> {
        let Some(announce) = self.announce_of(call) else {
            return VecDeque::new();
        };
        let (position, wait) = (announce.position, announce.wait);
        let message = announce.message.as_ref().map(|name| String::from(&**name));
        let position = position.then(|| self.next_place(call)).flatten();
        let wait = wait.then(|| self.minutes_left(call)).flatten();
        let mut playlist = VecDeque::new();
        match position {
            Some(1) => playlist.push_back("next".into()),
            Some(place) => {
                playlist.push_back("position".into());
                playlist.extend(spoken::number(place));
            }
            None => {}
        }
        match wait {
            Some(1) => playlist.push_back("wait-short".into()),
            Some(minutes) => {
                playlist.push_back("wait".into());
                playlist.extend(spoken::number(minutes));
                playlist.push_back("minutes".into());
            }
            None => {}
        }
        playlist.extend(message);
        playlist
    }

    /// The caller's place, if it can be told and is no worse than what was told before.
    fn next_place(&mut self, call: CallId) -> Option<u32> {
        let place = self.acd.position(acd::InteractionId(call.0))?;
        let announced = &mut self.waiting_mut(call)?.announced;
        let worse = announced.told.is_some_and(|told| place > told) && !sabotage::worse_place();
        if worse || place > spoken::SPOKEN_MAX {
            return None;
        }
        announced.told = Some(place);
        Some(place)
    }

    /// The estimate made at the entry.
    pub(super) fn note_estimate(&mut self, call: CallId, seconds: Option<u32>) {
        let now = self.now.mono;
        if let Some(waiting) = self.waiting_mut(call) {
            let after = |seconds: u32| now + Duration::from_secs(seconds.into());
            waiting.announced.answered_by = seconds.map(after);
        }
    }

    /// In how many minutes, begun ones whole, it is answered by the estimate made at the entry.
    fn minutes_left(&mut self, call: CallId) -> Option<u32> {
        let now = self.now.mono;
        let left = self
            .waiting_mut(call)?
            .announced
            .answered_by?
            .checked_sub(now)?;
        let minutes = u32::try_from(left.as_secs().div_ceil(60)).ok()?;
        (1..=spoken::SPOKEN_MAX)
            .contains(&minutes)
            .then_some(minutes)
    }

    fn announce_after(&mut self, call: CallId, after: Duration) {
        self.cancel_announcement(call);
        let timer = self
            .timers
            .set(self.now.mono + after, Timer::Announce(call));
        if let Some(found) = self.calls.get_mut(&call) {
            found.announcement = Some(timer);
        }
        if let Some(waiting) = self.waiting_mut(call) {
            waiting.announced.begun = true;
        }
    }

    /// Plays a word; without it, what comes after.
    fn play_word(&mut self, call: CallId, caller: LegId, word: &str) {
        if !self.play(caller, word, false) {
            self.play_music(call, caller);
        }
    }

    fn play_music(&mut self, call: CallId, caller: LegId) {
        let queue = self.calls.get(&call).and_then(|call| call.queue.as_deref());
        let music = self.music_of(queue);
        self.play(caller, &music, true);
    }

    /// What the queue in which it waits has to say.
    fn announce_of(&self, call: CallId) -> Option<&config::Announce> {
        let Stage::Waiting(waiting) = &self.calls.get(&call)?.stage else {
            return None;
        };
        let Place::Queue(name) = &waiting.place else {
            return None;
        };
        self.snapshot.centre.queues.get(name)?.announce.as_ref()
    }

    fn waiting_mut(&mut self, call: CallId) -> Option<&mut Waiting> {
        match &mut self.calls.get_mut(&call)?.stage {
            Stage::Waiting(waiting) => Some(waiting),
            Stage::Routing
            | Stage::Announcing
            | Stage::Dialling
            | Stage::Placing { .. }
            | Stage::Parked(_)
            | Stage::Connected { .. } => None,
        }
    }
}
