//! The end of a wrap-up, and what agents say of a call in it: its wrap-up code (rule 17).

use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use acd::{AgentChange, Input as AcdInput, InteractionId};
use config::{Centre, WrapUpCode, WrapUpCodes};

use crate::command::{Actor, CodeWish, Done, Had, Refusal};
use crate::engine::Engine;
use crate::event::Event;
use crate::ids::CallId;
use crate::sabotage;

/// So many words are named where something else was said; the API lists all.
const NAMED_MAX: usize = 30;

impl Engine {
    /// Ends a wrap-up: an agent's own when they owe no code, somebody else's in any case.
    pub(crate) fn end_wrap_up(&mut self, actor: &Actor, username: &str) -> Result<Done, Refusal> {
        if actor.username != username {
            return self.change_wrap_up(username, AgentChange::WrapUpCutShort);
        }
        let agent = self.agent_id(username)?;
        let view = self.acd.agent(agent);
        let Some(owed) = view.and_then(|view| view.state.owes.first().copied()) else {
            return self.change_wrap_up(username, AgentChange::WrapUpEnded);
        };
        let call = CallId(owed.interaction.0);
        let queue = self.names.queue_name(owed.queue).unwrap_or_default();
        Err(Refusal::Conflict(format!(
            "call {call} of {queue} lacks its wrap-up code: give it by POST /calls/{call}/wrap-up first"
        )))
    }

    /// An agent who has a call, or has had it, says what it was about, or takes that back.
    pub(crate) fn code_call(
        &mut self,
        actor: &Actor,
        call: CallId,
        past: Option<Box<Had>>,
        wish: Option<Box<CodeWish>>,
    ) -> Result<Done, Refusal> {
        let up = self.calls.get(&call);
        let had = up.and_then(|up| up.had_by(&actor.username)).cloned();
        let had = had.or_else(|| past.map(|past| *past));
        let had = had.ok_or_else(|| Refusal::NotFound {
            what: "call",
            name: call.to_string(),
        })?;
        if had.agent != actor.username {
            let why = format!("call {call} is for {} to say, who had it", had.agent);
            return Err(Refusal::Forbidden(why));
        }
        let queue = had.queue.as_deref();
        let given = match &wish {
            Some(wish) => Some(choose(&self.snapshot.centre, queue, wish)?),
            None => self.may_lack_code(queue).map(|()| None)?,
        };
        let agent = self.names.agent(&had.agent);
        if let Some(agent) = agent.filter(|_| given.is_some()) {
            let interaction = InteractionId(call.0);
            let change = AgentChange::Coded { interaction };
            self.acd_input(AcdInput::AgentChanged { agent, change });
        }
        let (category, code) = given.unzip();
        self.publish(Event::CallCoded {
            call,
            agent: had.agent,
            category,
            code,
            text: wish.and_then(|wish| wish.text),
        });
        Ok(Done::Ok)
    }

    fn may_lack_code(&self, queue: Option<&str>) -> Result<(), Refusal> {
        let queues = &self.snapshot.centre.queues;
        let rule = queue.and_then(|name| queues.get(name));
        match rule.map(|queue| queue.wrap_up_code) {
            Some(WrapUpCode::Required) => Err(Refusal::Invalid {
                field: "code",
                message: "calls of this queue have one; give another in its place".into(),
            }),
            Some(WrapUpCode::Optional) | None => Ok(()),
        }
    }
}

/// The category and the code that are meant, of those that calls of this queue may have.
fn choose(
    centre: &Centre,
    queue: Option<&str>,
    wish: &CodeWish,
) -> Result<(String, String), Refusal> {
    let lists: Vec<&WrapUpCodes> = centre.wrap_up_codes_for(queue).collect();
    let invalid = |field, message| Err(Refusal::Invalid { field, message });
    if sabotage::codes() {
        return Ok((String::new(), wish.code.clone()));
    }
    if let Some(category) = &wish.category {
        let Some(list) = lists.iter().find(|list| *list.name == **category) else {
            let known = named(lists.iter().map(|list| &*list.name));
            let what = format!("there is no category {category:?} for this call; {known}");
            return invalid("category", what);
        };
        if !list.has(&wish.code) {
            let known = named(list.codes.iter().map(|code| &**code));
            let what = format!("{category} has no code {:?}; {known}", wish.code);
            return invalid("code", what);
        }
        return Ok((list.name.to_string(), wish.code.clone()));
    }
    let having: Vec<_> = lists.iter().filter(|list| list.has(&wish.code)).collect();
    match having.as_slice() {
        [list] => Ok((list.name.to_string(), wish.code.clone())),
        [] => {
            let all = lists.iter().flat_map(|list| &list.codes);
            let known = named(all.map(|code| &**code));
            let what = format!("there is no code {:?} for this call; {known}", wish.code);
            invalid("code", what)
        }
        several => {
            let names = named(several.iter().map(|list| &*list.name));
            let what = format!("several categories have the code {:?}; {names}", wish.code);
            invalid("category", what)
        }
    }
}

fn named<'a>(all: impl Iterator<Item = &'a str>) -> String {
    let mut all: Vec<&str> = all.collect();
    let more = all.len().saturating_sub(NAMED_MAX);
    all.truncate(NAMED_MAX);
    match (all.is_empty(), more) {
        (true, _) => "there are none".into(),
        (false, 0) => format!("there are: {}", all.join(", ")),
        (false, more) => format!("there are: {} and {more} more", all.join(", ")),
    }
}
