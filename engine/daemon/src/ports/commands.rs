//! Commands to the engine, and the view.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use admin_api::Answer;
use admin_api::ports::{Carried, CommandError, EngineHandle};
use engine::view::View;
use engine::{Actor, Command, CommandBody};
use tokio::sync::oneshot;

use crate::net::lanes::{CommandIds, Lanes, Order};
use crate::view::Views;

/// Sends commands and waits for their answers. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Commands {
    lanes: Lanes,
    ids: Arc<CommandIds>,
    views: Arc<Views>,
    stopping: Arc<AtomicBool>,
}

impl Commands {
    pub(crate) fn new(lanes: Lanes, views: Arc<Views>) -> Self {
        Self {
            lanes,
            ids: Arc::default(),
            views,
            stopping: Arc::default(),
        }
    }

    /// What readers see.
    pub(crate) fn views(&self) -> &Views {
        &self.views
    }

    /// Says that the engine's thread is about to end.
    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
    }

    /// Whether the engine's thread is about to end, so that trying again makes no sense.
    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    /// Sends a command: it is under way from here on, whoever waits for the answer.
    pub(crate) fn send(
        &self,
        actor: Actor,
        body: CommandBody,
    ) -> impl Future<Output = Result<Carried, CommandError>> + Send + 'static {
        let (answer, answered) = oneshot::channel();
        let command = Command {
            id: self.ids.next(),
            actor,
            body,
        };
        let stopping = self.is_stopping();
        let sent = !stopping && self.lanes.order(Order::Command { command, answer }).is_ok();
        async move {
            if !sent {
                return Err(CommandError::Unavailable);
            }
            // Without an answer the engine's thread has ended.
            let answer = answered.await.map_err(|_| CommandError::Unavailable)?;
            let (seq, done) = answer?;
            Ok(Carried { seq, done })
        }
    }
}

impl EngineHandle for Commands {
    fn send(
        &self,
        actor: Actor,
        body: CommandBody,
    ) -> Answer<'static, Result<Carried, CommandError>> {
        Box::pin(Self::send(self, actor, body))
    }

    fn view(&self) -> Arc<View> {
        self.views.view()
    }

    fn view_at(&self, seq: u64) -> Answer<'_, Arc<View>> {
        Box::pin(self.views.view_at(seq))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::lanes::{Next, lanes};
    use config::Role;
    use engine::command::Done;

    fn actor() -> Actor {
        Actor {
            username: "test".into(),
            role: Role::Administrator,
        }
    }

    #[tokio::test]
    async fn an_answer_finds_who_asked_and_a_full_lane_or_an_ended_engine_is_said() {
        let (lanes, ends) = lanes();
        let (views, _sender, _thread) =
            crate::view::start(engine::board::Board::default()).unwrap();
        let commands = Commands::new(lanes, views);
        let carried = commands.send(actor(), CommandBody::Drain);
        let Some(Next::Order(Order::Command { answer, .. })) = ends.try_next() else {
            panic!("it is under way")
        };
        answer.send(Ok((7, Done::Ok))).unwrap();
        assert_eq!(
            carried.await,
            Ok(Carried {
                seq: 7,
                done: Done::Ok
            })
        );

        let full: Vec<_> = (0..2_000)
            .map(|_| commands.send(actor(), CommandBody::Drain))
            .collect();
        drop(ends);
        for carried in full {
            assert_eq!(carried.await, Err(CommandError::Unavailable));
        }
        commands.stop();
        assert_eq!(
            commands.send(actor(), CommandBody::Drain).await,
            Err(CommandError::Unavailable)
        );
    }
}
