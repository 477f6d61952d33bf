//! The threads and sockets of a population.
//!
//! SIP of both sides runs on one thread: it reads the sockets, lets the crowd act, sends what they say, and sleeps in
//! poll(2) until a datagram, a deadline or an order comes. RTP has its own thread, so that times of SIP are not blurred
//! by it. Both end with the [`Handle`].

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::OwnedFd;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use bytes::Bytes;
use crossbeam_channel::{Receiver, Sender, bounded, unbounded};
use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};

use crate::crowd::{Crowd, Datagram, Side};
use crate::plan::{Plan, PlanFault, is_loopback};
use crate::report::Report;

/// Room for bursts in the kernel: a thousand calls' messages.
const SOCKET_BUFFER: usize = 4 << 20;
/// Datagrams read from a socket before the other one's turn.
const READ_AT_ONCE: usize = 64;
/// How long those who are stopped may take to say goodbye.
const GOODBYE: Duration = Duration::from_secs(2);

/// Brings plans to life.
#[derive(Debug)]
pub struct Population;

/// Why a population did not come to life.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The plan cannot be carried out.
    #[error(transparent)]
    Plan(#[from] PlanFault),
    /// An address cannot be had.
    #[error("cannot listen on {address}")]
    Bind {
        /// Which.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// No threads, no randomness.
    #[error("the system does not give what is needed")]
    System(#[from] io::Error),
}

/// A living population. Dropped, it ends without goodbye.
#[derive(Debug)]
pub struct Handle {
    orders: Sender<Order>,
    wake: OwnedFd,
    thread: Option<JoinHandle<()>>,
    callers_at: Option<SocketAddr>,
    attendants_at: Option<SocketAddr>,
}

/// What the thread is asked.
enum Order {
    Begin,
    Report(Sender<Report>),
    When(Moment, Sender<()>),
    Stop(Sender<Report>),
    Abandon,
}

/// Something to wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moment {
    Ready,
    Done,
}

impl Population {
    /// Binds the addresses and registers the phones. Callers come from [`Handle::begin`] on.
    ///
    /// # Errors
    ///
    /// If the plan has a fault, or an address is taken.
    pub fn start(plan: Plan) -> Result<Handle, StartError> {
        plan.check()?;
        let begin = Instant::now();
        let callers = bind(plan.callers.as_ref().map(|side| side.from))?;
        let attendants = bind(plan.attendants.as_ref().map(|side| side.at))?;
        let callers_at = callers.as_ref().map(UdpSocket::local_addr).transpose()?;
        let attendants_at = attendants.as_ref().map(UdpSocket::local_addr).transpose()?;
        let mut secrets = [[0; 32]; 2];
        for secret in &mut secrets {
            getrandom::fill(secret).map_err(io::Error::other)?;
        }
        let beyond_loopback = plan.beyond_loopback;
        let crowd = Crowd::new(plan, begin, callers_at, attendants_at, secrets)?;
        let wake =
            eventfd(0, EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC).map_err(io::Error::from)?;
        let (orders, ordered) = unbounded();
        let town = Town {
            begin,
            crowd,
            sockets: [callers, attendants],
            wake: wake.try_clone()?,
            orders: ordered,
            beyond_loopback,
            waiting: Vec::new(),
        };
        let thread = std::thread::Builder::new().name("loadgen-sip".into());
        let thread = thread.spawn(move || town.run())?;
        Ok(Handle {
            orders,
            wake,
            thread: Some(thread),
            callers_at,
            attendants_at,
        })
    }
}

impl Handle {
    /// Where callers call from.
    #[must_use]
    pub const fn callers_at(&self) -> Option<SocketAddr> {
        self.callers_at
    }

    /// Where attendants' phones are.
    #[must_use]
    pub const fn attendants_at(&self) -> Option<SocketAddr> {
        self.attendants_at
    }

    /// Lets callers come from now on.
    pub fn begin(&self) {
        self.order(Order::Begin);
    }

    /// All that is known now.
    #[must_use]
    pub fn report(&self) -> Report {
        let (answer, answered) = bounded(1);
        self.order(Order::Report(answer));
        answered.recv().unwrap_or_default()
    }

    /// Waits until every attendant can be rung. False if that takes longer.
    #[must_use]
    pub fn wait_until_ready(&self, at_most: Duration) -> bool {
        self.wait(Moment::Ready, at_most)
    }

    /// Waits until all callers of the plan's count have come and gone. False if that takes longer.
    #[must_use]
    pub fn wait_until_done(&self, at_most: Duration) -> bool {
        self.wait(Moment::Done, at_most)
    }

    /// Ends all calls, takes registrations back, and says what came of everything. Takes up to two seconds.
    #[must_use]
    pub fn stop(mut self) -> Report {
        let (answer, answered) = bounded(1);
        self.order(Order::Stop(answer));
        let report = answered.recv().unwrap_or_default();
        self.join();
        report
    }

    fn wait(&self, moment: Moment, at_most: Duration) -> bool {
        let (answer, answered) = bounded(1);
        self.order(Order::When(moment, answer));
        answered.recv_timeout(at_most).is_ok()
    }

    /// An order that finds nobody is answered by nobody: whoever waits sees the channel closed.
    fn order(&self, order: Order) {
        let _ = self.orders.send(order);
        // The counter cannot overflow: the thread takes it to 0 whenever it wakes.
        let _ = rustix::io::write(&self.wake, &1_u64.to_ne_bytes());
    }

    fn join(&mut self) {
        if let Some(thread) = self.thread.take() {
            // A panic in it has been printed.
            let _ = thread.join();
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        if self.thread.is_some() {
            self.order(Order::Abandon);
            self.join();
        }
    }
}

fn bind(address: Option<SocketAddr>) -> Result<Option<UdpSocket>, StartError> {
    let Some(address) = address else {
        return Ok(None);
    };
    let open = || {
        let socket = UdpSocket::bind(address)?;
        socket.set_nonblocking(true)?;
        let options = socket2::SockRef::from(&socket);
        options.set_recv_buffer_size(SOCKET_BUFFER)?;
        options.set_send_buffer_size(SOCKET_BUFFER)?;
        Ok(socket)
    };
    match open() {
        Ok(socket) => Ok(Some(socket)),
        Err(source) => Err(StartError::Bind { address, source }),
    }
}

/// What the SIP thread owns.
struct Town {
    begin: Instant,
    crowd: Crowd,
    /// Of callers and attendants.
    sockets: [Option<UdpSocket>; 2],
    wake: OwnedFd,
    orders: Receiver<Order>,
    beyond_loopback: bool,
    waiting: Vec<(Moment, Sender<()>)>,
}

impl Town {
    fn run(mut self) {
        let mut goodbye: Option<(Duration, Sender<Report>)> = None;
        loop {
            while let Ok(order) = self.orders.try_recv() {
                let now = self.begin.elapsed();
                match order {
                    Order::Begin => self.crowd.begin(now),
                    Order::Report(answer) => drop(answer.send(self.crowd.report(now))),
                    Order::When(moment, answer) => self.waiting.push((moment, answer)),
                    Order::Stop(answer) => {
                        self.crowd.stop(now);
                        goodbye = Some((now + GOODBYE, answer));
                    }
                    Order::Abandon => return,
                }
            }
            self.read();
            let now = self.begin.elapsed();
            if self.crowd.poll_timeout().is_some_and(|due| due <= now) {
                self.crowd.handle_timeout(now);
            }
            self.send();
            self.tell_those_waiting();
            if let Some((until, answer)) = &goodbye
                && (self.crowd.is_gone() || now >= *until)
            {
                // Whoever asked may have gone too.
                let _ = answer.send(self.crowd.report(now));
                return;
            }
            let until = goodbye.as_ref().map(|(until, _)| *until);
            self.sleep(until);
        }
    }

    fn read(&mut self) {
        let mut buffer = [0; 65_535];
        for (socket, side) in self.sockets.iter().zip(Side::BOTH) {
            let Some(socket) = socket else { continue };
            for _ in 0..READ_AT_ONCE {
                let Ok((len, from)) = socket.recv_from(&mut buffer) else {
                    break;
                };
                let datagram = Bytes::copy_from_slice(buffer.get(..len).unwrap_or_default());
                self.crowd
                    .receive(self.begin.elapsed(), side, from, datagram);
            }
        }
    }

    fn send(&mut self) {
        while let Some(Datagram { side, to, payload }) = self.crowd.poll_output() {
            let [callers, attendants] = &self.sockets;
            let socket = match side {
                Side::Callers => callers,
                Side::Attendants => attendants,
            };
            if let Some(socket) = socket
                .as_ref()
                .filter(|_| self.beyond_loopback || is_loopback(to.ip()))
            {
                // What is lost here is sent again by its transaction.
                let _ = socket.send_to(&payload, to);
            }
        }
    }

    fn tell_those_waiting(&mut self) {
        let crowd = &self.crowd;
        self.waiting.retain(|(moment, answer)| {
            let is_now = match moment {
                Moment::Ready => crowd.is_ready(),
                Moment::Done => crowd.is_done(),
            };
            if is_now {
                // Whoever asked may have lost patience.
                let _ = answer.send(());
            }
            !is_now
        });
    }

    /// Sleeps until a datagram, an order, the crowd's next deadline or `until`.
    fn sleep(&self, until: Option<Duration>) {
        let due = self.crowd.poll_timeout().into_iter().chain(until).min();
        let timeout = due.map(|due| due.saturating_sub(self.begin.elapsed()));
        let timeout = timeout.map(|timeout| Timespec {
            tv_sec: i64::try_from(timeout.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: i64::from(timeout.subsec_nanos()),
        });
        let sockets = self.sockets.iter().flatten();
        let mut fds: Vec<PollFd<'_>> = sockets
            .map(|socket| PollFd::new(socket, PollFlags::IN))
            .collect();
        fds.push(PollFd::new(&self.wake, PollFlags::IN));
        // Interrupted or not, the loop looks at everything again.
        let _ = poll(&mut fds, timeout.as_ref());
        let mut count = [0; 8];
        let _ = rustix::io::read(&self.wake, &mut count);
    }
}
