//! Somebody who follows what passes: what of it they asked for, and what they lack when they read too slowly.

use engine::CallId;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc::{self, error::TrySendError};
use trace::Traced;

/// What somebody wants to follow; nothing set is everything.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Filter {
    /// Messages of this call only.
    pub(crate) call: Option<CallId>,
    /// Messages with this number as caller, called or in the Request-URI only.
    pub(crate) number: Option<String>,
}

/// What a follower hears.
#[derive(Debug)]
pub(crate) enum Followed {
    /// A message.
    Message(Box<Traced>),
    /// So many messages are missing here.
    Lost(u64),
}

/// One of those who follow.
#[derive(Debug)]
pub(super) struct Follower {
    filter: Filter,
    to: mpsc::Sender<Followed>,
    lost: u64,
}

impl Filter {
    fn takes(&self, message: &Traced) -> bool {
        let of_call = |call| message.leg.is_some_and(|(of, _)| of == call);
        self.call.is_none_or(of_call)
            && self
                .number
                .as_ref()
                .is_none_or(|number| message.concerns(number))
    }
}

impl Follower {
    pub(super) fn new(filter: Filter, to: mpsc::Sender<Followed>) -> Self {
        let lost = 0;
        Self { filter, to, lost }
    }

    pub(super) fn is_there(&self) -> bool {
        !self.to.is_closed()
    }

    /// So many messages have not come to the recorder, of which some may have been theirs.
    pub(super) fn lacks(&mut self, messages: u64) {
        self.lost += messages;
    }

    /// Hands a message on if it is one of theirs. False when they are gone.
    pub(super) fn tell(&mut self, message: &Traced) -> bool {
        if !self.filter.takes(message) {
            return true;
        }
        if self.lost > 0 && self.to.try_send(Followed::Lost(self.lost)).is_ok() {
            self.lost = 0;
        }
        match self
            .to
            .try_send(Followed::Message(Box::new(message.clone())))
        {
            Ok(()) => true,
            Err(TrySendError::Full(_)) => {
                self.lost += 1;
                true
            }
            Err(TrySendError::Closed(_)) => false,
        }
    }
}
