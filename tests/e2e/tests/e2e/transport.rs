//! Other ways in: TCP, IPv6, phones that call one another.

use std::net::{IpAddr, Ipv6Addr, SocketAddr, UdpSocket};
use std::time::Duration;

use e2e::centre::{attendant, pbx_attendant, queue, trunk};
use e2e::place::free_port;
use e2e::{Baresip, Daemon, FarEnd, Place, Scenario};

use crate::common::{ATTENDANT_HZ, CALLER_HZ, SOON, assert_tone, await_reachable, the_call};

fn centre(place: &Place, carrier: IpAddr) -> String {
    trunk("carrier", carrier, &[])
        + &trunk("pbx", place.pbx(), &["3*"])
        + &queue("support", "2000", "")
        + &pbx_attendant("alice", "3001", "support")
}

#[test]
fn e2e_caller_over_tcp_reaches_an_attendant_over_udp() {
    let place = Place::take();
    let daemon = Daemon::start(&place, &centre(&place, place.carrier()));
    let alice = daemon.login("alice");
    let (caller, attendant) = (
        FarEnd::start(place.carrier(), CALLER_HZ),
        FarEnd::start(place.pbx(), ATTENDANT_HZ),
    );
    let phone = Scenario::pbx_phone(&place, "phone_hangs_up").media(attendant.address);
    let mut phone = phone.pause(Duration::from_millis(100)).start(&place);
    let call = Scenario::caller(&place, "caller_stays", "2000", "+491").media(caller.address);
    let mut call = call.tcp().start(&place);
    phone.wait_for("an ACK", SOON, |message| message.is_received("ACK "));
    std::thread::sleep(Duration::from_millis(1_500));
    assert_tone(
        "the caller hears",
        &caller.heard_lately(SOON / 5),
        ATTENDANT_HZ,
        CALLER_HZ,
    );
    assert_tone(
        "the attendant hears",
        &attendant.heard_lately(SOON / 5),
        CALLER_HZ,
        ATTENDANT_HZ,
    );
    call.succeeds(SOON);
    phone.succeeds(SOON);
    assert_eq!(the_call(&alice)["status"], "answered");
}

/// Signalling over IPv6, media over IPv4 as `media.address` says.
#[test]
fn e2e_caller_over_ipv6_reaches_an_attendant_over_ipv4() {
    let localhost = IpAddr::V6(Ipv6Addr::LOCALHOST);
    if UdpSocket::bind((localhost, 0)).is_err() {
        eprintln!("this machine has no IPv6, not even on loopback: nothing to test");
        return;
    }
    let place = Place::take();
    let sip6 = SocketAddr::new(localhost, free_port(localhost));
    let daemon = Daemon::start_with(&place, &centre(&place, localhost), |settings| {
        settings.sip_listen.push(format!("udp:{sip6}"));
    });
    let alice = daemon.login("alice");
    let (caller, attendant) = (
        FarEnd::start(place.carrier(), CALLER_HZ),
        FarEnd::start(place.pbx(), ATTENDANT_HZ),
    );
    let phone = Scenario::pbx_phone(&place, "phone_hangs_up").media(attendant.address);
    let mut phone = phone.pause(Duration::from_millis(100)).start(&place);
    let call = Scenario::new(&place, "caller_with_other_media", localhost)
        .dials("2000", "+491")
        .server(sip6);
    let mut call = call.media(caller.address).start(&place);
    phone.wait_for("an ACK", SOON, |message| message.is_received("ACK "));
    std::thread::sleep(Duration::from_millis(1_500));
    assert_tone(
        "the caller hears",
        &caller.heard_lately(SOON / 5),
        ATTENDANT_HZ,
        CALLER_HZ,
    );
    call.succeeds(SOON);
    phone.succeeds(SOON);
    assert_eq!(the_call(&alice)["status"], "answered");
}

/// Registered phones call one another (digest on the INVITE, from a real phone).
#[test]
fn e2e_one_phone_calls_another() {
    let place = Place::take();
    let centre = queue("support", "2000", "")
        + &attendant("alice", "1001", "support")
        + &attendant("bob", "1002", "support");
    let daemon = Daemon::start(&place, &centre);
    let (mut alices, mut bobs) = (
        Baresip::start(&place, "1001", ATTENDANT_HZ),
        Baresip::start(&place, "1002", CALLER_HZ),
    );
    let (alice, bob) = (daemon.login("alice"), daemon.login("bob"));
    await_reachable(&alice, "alice");
    await_reachable(&bob, "bob");
    alices.dial("1002");
    assert_eq!(bobs.wait_for_ring(1, SOON).1, "1001");
    bobs.answer();
    alices.wait_for("CALL_ESTABLISHED", 1, SOON);
    std::thread::sleep(Duration::from_secs(2));
    bobs.hang_up();
    alices.wait_for("CALL_CLOSED", 1, SOON);
    assert_tone(
        "bob hears",
        &bobs.heard().trimmed(0.3),
        ATTENDANT_HZ,
        CALLER_HZ,
    );
    assert_tone(
        "alice hears",
        &alices.heard().trimmed(0.3),
        CALLER_HZ,
        ATTENDANT_HZ,
    );
    let call = the_call(&bob);
    assert_eq!(
        (call["direction"].as_str(), call["ended_by"].as_str()),
        (Some("internal"), Some("callee")),
        "{call:#}"
    );
}
