//! A queue: where callers wait, and what becomes of those who cannot.

use crate::read::{impl_record_field, record};
use crate::values::{
    AnswerMode, Destination, DialNumber, JoinWhen, Name, Seconds, ServiceAction, Share, Skills,
    Strategy, WhenClosing, WrapUp, WrapUpCode,
};

record! {
    /// Where callers wait for the agents it is assigned to.
    pub struct Queue {
        /// Its name.
        name: Name => required,
        /// What is dialled to reach it, by callers from trunks and by registered phones.
        number: Option<DialNumber>,
        /// The calendar it opens and closes by. Unset: always open.
        calendar: Option<Name>,
        /// Points of priority that its callers have, each worth `ageing` seconds. -1000 to 1000.
        priority: i32 ; -1000..=1000,
        /// Seconds of waiting that one point of priority is worth. 1 to 86400.
        ageing: Seconds = Seconds(10) ; 1..=86_400,
        /// Which of several free agents gets a caller: `longest-idle`, `round-robin`, `fewest-calls`,
        /// `least-occupied`, `fixed-order`, `skill-level` or `weighted-random`; or `ring-all`: all of them ring, and
        /// the first to answer has the caller.
        strategy: Strategy,
        /// When a caller's call is answered: `at-once`.
        answer: AnswerMode,
        /// Seconds an agent's phone rings. 1 to 3600.
        ring_timeout: Seconds = Seconds(20) ; 1..=3600,
        /// Seconds before a caller rings again at an agent who did not answer. 0 to 3600.
        retry_after: Seconds = Seconds(15) ; 0..=3600,
        /// Unanswered alerts in a row after which an agent goes on break. 0 to 100, 0: no limit.
        max_no_answer: u32 = 1 ; 0..=100,
        /// Seconds for which a phone that failed is skipped, doubling up to 60. 1 to 60.
        device_retry: Seconds = Seconds(5) ; 1..=60,
        /// Seconds an agent keeps after a call, 0 to 86400, or `"manual"`: until the agent ends it.
        wrap_up: WrapUp,
        /// Whether that ends without a wrap-up code: `optional`, or `required`: not before the agent has given one.
        wrap_up_code: WrapUpCode,
        /// Callers that may wait at a time. 0 to 100000, 0: no limit.
        max_waiting: u32 ; 0..=100_000,
        /// Agents that may have callers of this queue at a time, ringing or talking; those who pick one up or have
        /// reserved it count, too, and are not kept from it. 0 to 100000, 0: no limit.
        max_busy: u32 ; 0..=100_000,
        /// What an agent must be able to do, and at least how well: skills with their level, 1 to 1000.
        skills: Skills,
        /// Who else will do after a time.
        relax: Vec<Relaxation>,
        /// Seconds for which an agent may have a caller reserved. 1 to 86400.
        reservation_limit: Seconds = Seconds(120) ; 1..=86_400,
        /// Seconds after which a transfer to a phone or outside number that nobody took, or a parked call, comes back. 5 to 3600.
        recall_after: Seconds = Seconds(30) ; 5..=3600,
        /// Seconds for which what came back waits for who had sent it, before all agents get it. 0 to 3600, 0: not at all.
        recall_hold: Seconds = Seconds(20) ; 0..=3600,
        /// Whether callers wait first for the agent who served them last. Unset: they do not.
        sticky: Option<Sticky>,
        /// Seconds a caller waits in this queue before going to `when_overflow`. 0 to 86400, 0: no limit.
        max_wait: Seconds ; 0..=86_400,
        /// Seconds that a caller's estimated wait may take; when it takes longer, at the entry or later, the caller goes to
        /// `when_overflow`. 0 to 86400, 0: no limit.
        max_estimate: Seconds ; 0..=86_400,
        /// Who must be there for callers to be let in: `always`, `someone-logged-in` or
        /// `someone-available`.
        join_when: JoinWhen,
        /// Seconds for which every agent has been offline or on break, or has rejected a caller, before the
        /// caller goes to `when_nobody`. 1 to 86400.
        nobody_after: Seconds = Seconds(30) ; 1..=86_400,
        /// What is promised to callers, for the reports, and what is done when it is not kept.
        service_level: Option<ServiceLevel>,
        /// Whether callers who dialled what nothing matches come here; one queue at most.
        default: bool,
        /// The music callers hear: a prompt's name.
        music: Name = Name::built_in("default"),
        /// The prompt callers hear first. Unset: none.
        welcome: Option<Name>,
        /// What callers are told while they wait. Unset: nothing.
        announce: Option<Announce>,
        /// Where callers go while it is closed. Unset: refused with 480.
        when_closed: Option<Destination>,
        /// What becomes of those waiting when it closes: `stay`, or `go` to `when_closed`.
        when_closing: WhenClosing,
        /// Where callers go while `max_waiting` others wait.
        when_full: Destination = Destination::Busy,
        /// Where callers go whom `join_when` refuses. Unset: refused with 480.
        when_refused: Option<Destination>,
        /// Where callers go for whom nobody has been there for `nobody_after`. Unset: they stay, and an
        /// alarm tells the supervisors.
        when_nobody: Option<Destination>,
        /// Where callers go after `max_wait` or for `max_estimate`. Unset: they hear the prompt `sorry`.
        when_overflow: Option<Overflow>,
    }
    later {
        record,
    }
}

record! {
    /// A moment from which on agents with other skills get callers, too; those who met what was asked before still do.
    pub struct Relaxation {
        /// Seconds after the caller's entry into the queue. 1 to 86400.
        after: Seconds => required ; 1..=86_400,
        /// What will do from then on: skills with their level, 1 to 1000. None: anyone.
        skills: Skills,
    }
    later {}
}

record! {
    /// What callers are told while they wait: after the welcome, then from time to time, with music between.
    pub struct Announce {
        /// Seconds from one announcement to the next. 10 to 3600.
        every: Seconds = Seconds(30) ; 10..=3600,
        /// Whether they are told which place they have. It is told only while it gets no worse.
        position: bool,
        /// Whether they are told how long it may take, in minutes, while there is an estimate that still holds.
        wait: bool,
        /// A prompt that they hear after that. Unset: none.
        message: Option<Name>,
    }
    later {}
}

record! {
    /// Callers wait first for the agent who served them last, while that agent is available or busy.
    pub struct Sticky {
        /// Days after which that is forgotten. 1 to 400.
        days: u32 = 7 ; 1..=400,
        /// Seconds for which nobody else gets the caller. 1 to 3600.
        hold: Seconds = Seconds(20) ; 1..=3600,
    }
    later {}
}

record! {
    /// Where callers go who have waited too long.
    pub struct Overflow {
        /// The destination.
        to: Destination => required,
        /// Whether the next queue ranks them by their first arrival; else as if they came only then.
        keep_arrival: bool,
    }
    later {}
}

record! {
    /// How many callers shall be answered how soon.
    pub struct ServiceLevel {
        /// Seconds within which a call shall be answered. 1 to 86400.
        seconds: Seconds = Seconds(20) ; 1..=86_400,
        /// The share of calls for which that shall be so. 0 to 1.
        target: Share = Share::from_ten_thousandths(8000),
        /// What is done, once for a caller, when `seconds` have passed in this queue without an answer:
        /// `raise:N` adds points of priority, `notify` tells, a destination takes the caller. Unset: nothing.
        action: Option<ServiceAction>,
        /// A caller who gives up within so many seconds is a short abandon: the reports can leave those out.
        /// 0 to 3600, 0: none is.
        short_abandon: Seconds = Seconds(5) ; 0..=3600,
    }
    later {}
}

impl_record_field!(Queue, ServiceLevel, Overflow, Relaxation, Announce, Sticky);

impl Queue {
    /// Where the service-level action sends callers, if it does.
    pub fn service_destination(&self) -> Option<&Destination> {
        match self.service_level.as_ref()?.action.as_ref()? {
            ServiceAction::Send(destination) => Some(destination),
            ServiceAction::Raise(_) | ServiceAction::Notify => None,
        }
    }
}
