//! Requests from outside any dialog: judged, sorted by method, answered.

use alloc::string::String;
use alloc::vec::Vec;

use ::media::sdp;
use sip::transaction::ServerId;
use sip::wire::{Rules, Scheme, validate};
use sip::{Flow, HeaderName, Message, Method, ResponseBuilder};

use crate::engine::Engine;

/// The methods we serve, as Allow says.
const METHODS: &[Method<'static>] = &[
    Method::Invite,
    Method::Ack,
    Method::Bye,
    Method::Cancel,
    Method::Options,
    Method::Register,
    Method::Prack,
    Method::Update,
    Method::Refer,
];
pub(crate) const ALLOW: &str = "INVITE, ACK, BYE, CANCEL, OPTIONS, REGISTER, PRACK, UPDATE, REFER";
/// The option tags we know, as Supported says.
const EXTENSIONS: &[&str] = &[
    sip::dialog::RELIABLE_TAG,
    sip::dialog::TIMER_TAG,
    REPLACES_TAG,
    NO_REFER_SUB_TAG,
];
/// RFC 3891.
pub(super) const REPLACES_TAG: &str = "replaces";
/// RFC 4488.
pub(super) const NO_REFER_SUB_TAG: &str = "norefersub";
/// How soon a caller refused for want of room may try again, in seconds.
const RETRY_AFTER: &str = "5";

impl Engine {
    /// A message from the network: the transaction layer sorts it out.
    pub(crate) fn receive(&mut self, flow: Flow, message: Message) {
        self.layer.receive(self.now.mono, flow, message);
    }

    /// A new request.
    pub(crate) fn on_request(&mut self, server: ServerId, flow: Flow, message: Message) {
        let rules = Rules {
            methods: METHODS,
            forwarded: &[Method::Invite],
            extensions: EXTENSIONS,
            schemes: &[Scheme::Sip, Scheme::Sips, Scheme::Tel, Scheme::Urn],
            body_types: &[sdp::CONTENT_TYPE],
            is_loop: None,
        };
        if let Err(fault) = validate(&message, &rules) {
            self.respond_fault(server, &message, &fault);
            return;
        }
        if message.to_tag().is_some() {
            self.on_request_in_dialog(server, flow, message);
            return;
        }
        match message.method() {
            Method::Invite => self.on_invite(server, flow, message),
            Method::Register => self.on_register(server, flow, message),
            Method::Options => {
                let response = self.response(&message, 200);
                let response = response
                    .header(HeaderName::Accept, sdp::CONTENT_TYPE)
                    .header(HeaderName::Supported, EXTENSIONS.join(", "));
                self.respond(server, response);
            }
            // Nobody calls for others who does not talk to them (RFC 3515 §5.1).
            Method::Refer => self.refuse(server, &message, 403),
            Method::Ack
            | Method::Cancel
            | Method::Bye
            | Method::Info
            | Method::Prack
            | Method::Update
            | Method::Notify
            | Method::Subscribe
            | Method::Message
            | Method::Publish
            | Method::Other(_) => {
                let response = self.response(&message, 481);
                self.respond(server, response);
            }
        }
    }

    pub(crate) fn respond_fault(
        &mut self,
        server: ServerId,
        message: &Message,
        fault: &sip::Fault,
    ) {
        let status = fault.sip_status().unwrap_or(400);
        let mut response = self.response(message, status);
        if let sip::Fault::Extension(unsupported) = fault {
            response = response.header(HeaderName::Unsupported, unsupported.as_str());
        }
        if status == 415 {
            response = response.header(HeaderName::Accept, sdp::CONTENT_TYPE);
        }
        if status == 400 {
            response = response.display(
                HeaderName::Warning,
                format_args!("399 lampfield \"{fault}\""),
            );
        }
        self.respond(server, response);
    }

    /// Begins a response of ours outside a dialog.
    pub(crate) fn response(&mut self, request: &Message, status: u16) -> ResponseBuilder {
        let response = ResponseBuilder::new(request, status);
        let response = match request.to_tag() {
            None if status != 100 => response.to_tag(&self.secrets.token()),
            _ => response,
        };
        if status == 405 || status == 501 || request.method() == Method::Options {
            return response.header(HeaderName::Allow, ALLOW);
        }
        response
    }

    pub(crate) fn respond(&mut self, server: ServerId, response: ResponseBuilder) {
        // A request that has its final response already needs no other.
        let _ = self.layer.respond(self.now.mono, server, response);
    }

    /// Answers without keeping anything.
    pub(crate) fn refuse(&mut self, server: ServerId, message: &Message, status: u16) {
        let tag = self.layer.stateless_tag(message);
        let mut response = ResponseBuilder::new(message, status).to_tag(&tag);
        if status == 503 {
            response = response.header(HeaderName::RetryAfter, RETRY_AFTER);
        }
        let _ = self.layer.refuse(server, response);
    }

    pub(crate) fn challenge(
        &mut self,
        server: ServerId,
        message: &Message,
        status: u16,
        challenges: Vec<String>,
    ) {
        let tag = self.layer.stateless_tag(message);
        let mut response = ResponseBuilder::new(message, status).to_tag(&tag);
        for challenge in &challenges {
            response = response.header(HeaderName::WwwAuthenticate, challenge);
        }
        let _ = self.layer.refuse(server, response);
    }
}
