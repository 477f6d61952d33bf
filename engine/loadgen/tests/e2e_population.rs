//! Callers and attendants against one another, without a centre between them: real SIP and RTP over loopback.

#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

use std::net::SocketAddr;
use std::time::Duration;

use loadgen::{
    Arrivals, Attendants, CallEnd, CallRecord, Callers, MediaMode, Number, Plan, Population,
    Report, Spread,
};

/// Longer than any of these takes on a busy machine.
const LONG: Duration = Duration::from_secs(60);

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// A plan in which callers call the attendants' phones `a0`, `a1`, ... directly. Each test has its own address.
fn plan(ip: &str, attendants: usize, calls: u64) -> Plan {
    let address = |port: u16| SocketAddr::new(ip.parse().unwrap(), port);
    // A free port, known before the phones listen at it: callers send there.
    let free = std::net::UdpSocket::bind(address(0))
        .unwrap()
        .local_addr()
        .unwrap();
    let mut plan = Plan::new(free);
    let people = Attendants::numbered("a", attendants, None);
    let mut callers = Callers::new(address(0), "a0", Arrivals::Every(ms(100)));
    callers.numbers = people
        .iter()
        .map(|one| Number::plain(&one.extension))
        .collect();
    callers.count = Some(calls);
    plan.callers = Some(callers);
    let mut side = Attendants::new(free, people);
    side.talk = Spread::Exactly(ms(600));
    plan.attendants = Some(side);
    plan
}

fn run(plan: Plan) -> Report {
    let population = Population::start(plan).unwrap();
    assert!(population.wait_until_ready(LONG));
    population.begin();
    assert!(
        population.wait_until_done(LONG),
        "{:#?}",
        population.report()
    );
    let report = population.stop();
    assert_eq!(
        (report.unfinished(), report.byes_failed),
        (0, 0),
        "{report:#?}"
    );
    report
}

fn only(report: &Report) -> &CallRecord {
    let [call] = report.calls.as_slice() else {
        panic!("one call: {report:#?}")
    };
    call
}

#[test]
fn e2e_a_caller_and_an_attendant_hear_one_another() {
    for by_caller in [0, 1000] {
        let mut plan = plan("127.0.0.11", 1, 1);
        plan.callers.as_mut().unwrap().hang_up_per_mille = by_caller;
        plan.attendants.as_mut().unwrap().answer_after = Spread::Exactly(ms(300));
        let report = run(plan);
        let call = only(&report);
        let expected = if by_caller == 0 {
            CallEnd::Centre
        } else {
            CallEnd::Caller
        };
        assert_eq!(
            (call.end, call.attendant.as_deref()),
            (expected, Some("a0"))
        );
        let (ringing, answered) = (call.ringing.unwrap(), call.answered.unwrap());
        assert!(
            ringing >= call.invited && answered >= ringing + ms(290),
            "{call:#?}"
        );
        assert!(
            call.ended.unwrap() >= call.connected.unwrap() + ms(590),
            "{call:#?}"
        );
        for heard in [call.caller_heard, call.attendant_heard] {
            assert!((20..=40).contains(&heard.tone), "{call:#?}");
            assert_eq!((heard.sound, heard.silent), (0, 0), "{call:#?}");
            assert!((20..=40).contains(&heard.sent), "{call:#?}");
        }
    }
}

#[test]
fn e2e_hold_stops_the_caller_s_voice_and_the_attendant_s_ears() {
    let mut plan = plan("127.0.0.12", 1, 1);
    let attendants = plan.attendants.as_mut().unwrap();
    attendants.talk = Spread::Exactly(ms(900));
    attendants.hold_per_mille = 1000;
    attendants.hold_for = Spread::Exactly(ms(700));
    let report = run(plan);
    let call = only(&report);
    assert_eq!(call.holds, 1, "{call:#?}");
    assert!(
        call.ended.unwrap() >= call.connected.unwrap() + ms(1590),
        "{call:#?}"
    );
    // Held, the caller is silent for 0.7 s; the attendant, who might send music then, sends on.
    assert!(call.attendant_heard.longest_gap > ms(500), "{call:#?}");
    assert!(call.caller_heard.longest_gap < ms(500), "{call:#?}");
    assert!(
        call.caller_heard.tone > call.attendant_heard.tone + 20,
        "{call:#?}"
    );
}

#[test]
fn e2e_refusals_impatience_and_silence_are_recorded_as_such() {
    let mut refused = plan("127.0.0.13", 1, 3);
    let attendants = refused.attendants.as_mut().unwrap();
    (attendants.refuse_per_mille, attendants.refusals) = (1000, vec![603]);
    let report = run(refused);
    assert!(
        report
            .calls
            .iter()
            .any(|call| call.end == CallEnd::Refused(603)),
        "{report:#?}"
    );
    // The phone that still rings for the one before is busy for the next.
    let failures = report.failures();
    assert!(
        failures.keys().all(|status| [486, 603].contains(status)),
        "{failures:?}"
    );
    assert_eq!(failures.values().sum::<usize>(), 3);

    let mut ignored = plan("127.0.0.13", 1, 1);
    ignored.attendants.as_mut().unwrap().ignore_per_mille = 1000;
    ignored.callers.as_mut().unwrap().patience = Some(Spread::Exactly(ms(400)));
    let report = run(ignored);
    let call = only(&report);
    assert_eq!((call.end, call.connected), (CallEnd::GaveUp, None));
    assert!(
        call.ringing.is_some() && call.ended.unwrap() >= call.invited + ms(400),
        "{call:#?}"
    );
    assert_eq!((report.alerts.cancelled, report.gave_up()), (1, 1));
}

#[test]
fn e2e_many_calls_leave_nothing_behind() {
    let mut plan = plan("127.0.0.14", 100, 200);
    plan.callers.as_mut().unwrap().arrivals = Arrivals::Poisson(ms(10));
    plan.attendants.as_mut().unwrap().talk = Spread::around(ms(300), ms(100));
    let report = run(plan);
    // Callers pick their phone blindly, so some find it busy; nothing else may go wrong.
    let busy = report.failures();
    assert!(busy.keys().all(|status| *status == 486), "{busy:?}");
    let busy: usize = busy.values().sum();
    assert_eq!(report.connected() + busy, 200);
    assert_eq!(report.alerts.busy as usize, busy);
    assert!(report.connected() > 150, "{} connected", report.connected());
    let deaf = |call: &&CallRecord| call.connected.is_some() && call.caller_heard.tone == 0;
    assert_eq!(report.calls.iter().filter(deaf).count(), 0);
}

#[test]
fn e2e_with_sinks_nobody_speaks_and_calls_go_as_before() {
    let mut plan = plan("127.0.0.15", 1, 1);
    plan.media = MediaMode::Sink {
        codecs: vec![media::codec::Codec::Pcmu],
    };
    let report = run(plan);
    let call = only(&report);
    assert_eq!(call.end, CallEnd::Centre);
    assert_eq!(
        (report.sink_packets, call.caller_heard.packets),
        ((0, 0), 0)
    );
}

#[test]
fn e2e_stopped_in_the_middle_all_hang_up() {
    let mut plan = plan("127.0.0.16", 3, 3);
    plan.attendants.as_mut().unwrap().talk = Spread::Exactly(LONG);
    plan.callers.as_mut().unwrap().numbers = vec![Number::plain("a1")];
    let population = Population::start(plan).unwrap();
    population.begin();
    while population.report().connected() == 0 {
        std::thread::yield_now();
    }
    let report = population.stop();
    assert_eq!(
        (report.unfinished(), report.byes_failed),
        (0, 0),
        "{report:#?}"
    );
    assert!(report.gave_up() >= 1, "{report:#?}");
}

#[test]
fn e2e_old_calls_are_forgotten_but_counted() {
    let mut plan = plan("127.0.0.17", 5, 10);
    plan.keep_calls = 3;
    plan.attendants.as_mut().unwrap().talk = Spread::Exactly(ms(20));
    let report = run(plan);
    assert_eq!(report.made, 10);
    assert!(report.calls.len() <= 4, "{}", report.calls.len());
}
