//! Names of hosts, resolved by the system's resolver for the engine.

use std::net::{IpAddr, ToSocketAddrs as _};
use std::sync::Arc;
use std::time::{Duration, Instant};

use engine::Input;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use crate::net::lanes::Lanes;
use crate::net::peers::Peers;
use crate::net::strangers::Strangers;

/// Names that may wait; there is one for each trunk that has a name for an address.
const WAITING: usize = 1_024;
/// Questions under way at a time.
pub(crate) const AT_A_TIME: usize = 2;
/// How long one may take.
const ANSWER_MAX: Duration = Duration::from_secs(5);

/// Asks for names. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Lookups {
    names: mpsc::Sender<String>,
}

impl Lookups {
    /// Starts the task that asks; it ends with the last of these handles.
    pub(crate) fn start(
        runtime: &Handle,
        lanes: Lanes,
        strangers: Arc<Strangers>,
        peers: Arc<Peers>,
    ) -> Self {
        let (names, waiting) = mpsc::channel(WAITING);
        runtime.spawn(run(waiting, lanes, strangers, peers));
        Self { names }
    }

    /// Asks for a name's addresses. When too many wait already, the name comes back, to be asked for again later.
    pub(crate) fn ask(&self, name: String) -> Result<(), String> {
        self.names.try_send(name).map_err(|refused| match refused {
            mpsc::error::TrySendError::Full(name) | mpsc::error::TrySendError::Closed(name) => name,
        })
    }
}

async fn run(
    mut names: mpsc::Receiver<String>,
    lanes: Lanes,
    strangers: Arc<Strangers>,
    peers: Arc<Peers>,
) {
    let permits = Arc::new(Semaphore::new(AT_A_TIME));
    while let Some(name) = names.recv().await {
        let Ok(permit) = Arc::clone(&permits).acquire_owned().await else {
            return;
        };
        let (lanes, strangers) = (lanes.clone(), Arc::clone(&strangers));
        let peers = Arc::clone(&peers);
        tokio::spawn(async move {
            let addresses = resolve(name.clone(), permit).await;
            let now = Instant::now();
            peers.learn(&name, &addresses);
            addresses
                .iter()
                .for_each(|address| strangers.make_known(*address, now));
            lanes
                .first_async(Box::new(Input::LookupDone { name, addresses }))
                .await;
        });
    }
}

/// Asks the system. Its answer can take longer than we wait; the permit is held until the thread that asks is free again.
async fn resolve(name: String, permit: OwnedSemaphorePermit) -> Vec<IpAddr> {
    let asked = name.clone();
    let asking = tokio::task::spawn_blocking(move || {
        let _permit = permit;
        (asked.as_str(), 0).to_socket_addrs()
    });
    match tokio::time::timeout(ANSWER_MAX, asking).await {
        Ok(Ok(Ok(addresses))) => addresses.map(|address| address.ip()).collect(),
        Ok(Ok(Err(error))) => {
            tracing::warn!(name, %error, "a host name cannot be resolved");
            Vec::new()
        }
        Ok(Err(_)) | Err(_) => {
            tracing::warn!(name, "the resolver does not answer");
            Vec::new()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::SocketAddr;

    use crate::net::lanes::{Next, lanes};
    use config::Centre;

    #[tokio::test]
    async fn e2e_a_name_is_answered_with_its_addresses_and_they_are_known() {
        let (lanes, ends) = lanes();
        let strangers = Arc::new(Strangers::new(&Centre::default()));
        let peers = Arc::new(Peers::new(&Centre::default()));
        let lookups = Lookups::start(&Handle::current(), lanes, Arc::clone(&strangers), peers);
        lookups.ask("localhost".into()).unwrap();
        let input = loop {
            match ends.try_next() {
                Some(Next::Input(input)) => break *input,
                Some(Next::Order(order)) => panic!("{order:?}"),
                None => tokio::task::yield_now().await,
            }
        };
        let Input::LookupDone { name, addresses } = input else {
            panic!("{input:?}")
        };
        assert_eq!(name, "localhost");
        assert!(
            addresses.iter().all(IpAddr::is_loopback) && !addresses.is_empty(),
            "{addresses:?}"
        );
        let source = SocketAddr::new(addresses[0], 5060);
        assert!((0..1_000).all(|_| strangers.admits(source, Instant::now())));
    }
}
