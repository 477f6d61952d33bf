//! Promises broken on purpose, a cargo feature each, to show that the tests would notice (`tests/sabotage.sh`).
//!
//! Never on in a build that serves calls.

/// Whether this one is on: by its feature, or in a build that can break anything (feature `sabotage`) by its name, crate first, in
/// the environment variable `SABOTAGE`. So one build serves for all.
#[cfg(feature = "sabotage")]
fn is_on(name: &str) -> bool {
    extern crate std;
    static NAMED: std::sync::LazyLock<Option<std::string::String>> =
        std::sync::LazyLock::new(|| std::env::var("SABOTAGE").ok());
    NAMED.as_deref() == Some(name)
}

#[cfg(not(feature = "sabotage"))]
const fn is_on(_: &str) -> bool {
    false
}

macro_rules! sabotage {
    ($($(#[$doc:meta])* $name:ident = $feature:literal;)*) => {
        $($(#[$doc])* pub(crate) fn $name() -> bool {
            cfg!(feature = $feature) || is_on(concat!(env!("CARGO_PKG_NAME"), "/", $feature))
        })*
    };
}

sabotage! {
    /// A phone that is to stop ringing is not told.
    no_cancel = "sabotage-no-cancel";
    /// The other side of a call that ended is not told.
    forget_bye = "sabotage-forget-bye";
    /// A BYE does not wait for the ACK.
    early_bye = "sabotage-early-bye";
    /// An answer that came too late is left alone.
    late_answer = "sabotage-late-answer";
    /// An alert that is taken back is forgotten while its phone rings on.
    withdraw = "sabotage-withdraw";
    /// Who is overtaken is told so.
    worse_place = "sabotage-worse-place";
    /// A call that was never answered keeps its ports.
    port_leak = "sabotage-port-leak";
    /// A call that was abandoned is on record twice.
    double_record = "sabotage-double-record";
    /// The end of a dialog is not written down: after a restart it is ended again.
    dialog_gone = "sabotage-dialog-gone";
    /// Callers rank by the number they dialled alone, whatever list they are on.
    number_list = "sabotage-number-list";
    /// Callers whom the directory marks as VIPs have no points for it.
    vip = "sabotage-vip";
    /// A queue is removed though callers wait there and nobody said where they go.
    remove_queue = "sabotage-remove-queue";
    /// What nobody took does not come back (rule 4).
    recall = "sabotage-recall";
    /// Everybody sees what is parked, whatever the location.
    park_location = "sabotage-park-location";
    /// Two may take the same parked call.
    retrieve_twice = "sabotage-retrieve-twice";
    /// Who picks up while they talk leaves nobody on hold.
    hold = "sabotage-hold";
    /// A break is for any reason.
    aux_code = "sabotage-aux-code";
    /// Anything is a wrap-up code.
    codes = "sabotage-codes";
    /// A caller who is ranked anew counts as another one.
    count_anew = "sabotage-count-anew";
    /// Who is sent elsewhere counts as having given up.
    flow_out = "sabotage-flow-out";
    /// Callers stay however long they are to wait.
    max_estimate = "sabotage-max-estimate";
    /// Counters go on when the centre's day begins.
    day = "sabotage-day";
    /// A session that nobody refreshed goes on.
    session_expired = "sabotage-session-expired";
    /// An answer does not wait for the PRACK.
    early_success = "sabotage-early-success";
    /// Each branch of a fork is heard as its description comes.
    fork_media = "sabotage-fork-media";
    /// What comes with the program is played, whatever was uploaded in its place.
    uploaded_prompt = "sabotage-uploaded-prompt";
}
