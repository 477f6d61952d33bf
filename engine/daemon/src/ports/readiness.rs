//! Whether the daemon should be given work.

use std::sync::Arc;
use std::time::Duration;

use admin_api::ports::{Check, Readiness};
use engine::event::{NOBODY_ALARM, PROMPT_ALARM};
use store::JournalHealth;

use crate::clock::Clock;
use crate::driver::Pulse;
use crate::view::Views;

/// A thread that has not looked around for this long has stopped.
const SILENCE_MAX: Duration = Duration::from_secs(3);

/// What is looked at.
#[derive(Debug)]
pub(crate) struct Health {
    pub(crate) clock: Clock,
    pub(crate) pulse: Arc<Pulse>,
    pub(crate) journal: JournalHealth,
    pub(crate) views: Arc<Views>,
}

impl Readiness for Health {
    fn checks(&self) -> Vec<Check> {
        let silence = self.pulse.silence(self.clock.now());
        let engine =
            (silence > SILENCE_MAX).then(|| format!("no turn for {} s", silence.as_secs()));
        let troubles: Vec<&str> = self
            .journal
            .troubles()
            .into_iter()
            .map(store::Trouble::text)
            .collect();
        let journal = (!troubles.is_empty()).then(|| troubles.join("; "));
        let load = self
            .pulse
            .shown()
            .shedding
            .then(|| "overloaded: new calls are refused".to_owned());
        let view = self.views.view();
        // Callers without anybody and damaged prompts are for people to mend; another daemon could do no better.
        let for_people = [NOBODY_ALARM, PROMPT_ALARM];
        let ours = |word: &str| !for_people.iter().any(|start| word.starts_with(start));
        let alarms = view.alarms.iter().filter(|(word, _)| ours(word));
        let alarms: Vec<String> = alarms.map(|(_, text)| text.clone()).collect();
        let alarms = (!alarms.is_empty()).then(|| alarms.join("; "));
        let check = |name: &str, text: Option<String>| Check {
            name: name.into(),
            ok: text.is_none(),
            text,
        };
        vec![
            check("engine", engine),
            check("journal", journal),
            check("load", load),
            check("alarms", alarms),
        ]
    }
}
