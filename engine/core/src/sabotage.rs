//! Promises broken on purpose, a cargo feature each, to show that the tests would notice (`tests/sabotage.sh`).
//!
//! Never on in a build that serves calls.

macro_rules! sabotage {
    ($($(#[$doc:meta])* $name:ident = $feature:literal;)*) => {
        $($(#[$doc])* pub(crate) const $name: bool = cfg!(feature = $feature);)*
    };
}

sabotage! {
    /// A phone that is to stop ringing is not told.
    NO_CANCEL = "sabotage-no-cancel";
    /// The other side of a call that ended is not told.
    FORGET_BYE = "sabotage-forget-bye";
    /// A BYE does not wait for the ACK.
    EARLY_BYE = "sabotage-early-bye";
    /// An answer that came too late is left alone.
    LATE_ANSWER = "sabotage-late-answer";
    /// An alert that is taken back is forgotten while its phone rings on.
    WITHDRAW = "sabotage-withdraw";
    /// Who is overtaken is told so.
    WORSE_PLACE = "sabotage-worse-place";
    /// A call that was never answered keeps its ports.
    PORT_LEAK = "sabotage-port-leak";
    /// A call that was abandoned is on record twice.
    DOUBLE_RECORD = "sabotage-double-record";
    /// The end of a dialog is not written down: after a restart it is ended again.
    DIALOG_GONE = "sabotage-dialog-gone";
    /// Callers rank by the number they dialled alone, whatever list they are on.
    NUMBER_LIST = "sabotage-number-list";
    /// Callers whom the directory marks as VIPs have no points for it.
    VIP = "sabotage-vip";
    /// A queue is removed though callers wait there and nobody said where they go.
    REMOVE_QUEUE = "sabotage-remove-queue";
    /// What nobody took does not come back (rule 4).
    RECALL = "sabotage-recall";
    /// Everybody sees what is parked, whatever the location.
    PARK_LOCATION = "sabotage-park-location";
    /// Two may take the same parked call.
    RETRIEVE_TWICE = "sabotage-retrieve-twice";
    /// Who picks up while they talk leaves nobody on hold.
    HOLD = "sabotage-hold";
    /// A break is for any reason.
    AUX_CODE = "sabotage-aux-code";
    /// A caller who is ranked anew counts as another one.
    COUNT_ANEW = "sabotage-count-anew";
    /// Who is sent elsewhere counts as having given up.
    FLOW_OUT = "sabotage-flow-out";
    /// Callers stay however long they are to wait.
    MAX_ESTIMATE = "sabotage-max-estimate";
    /// Counters go on when the centre's day begins.
    DAY = "sabotage-day";
    /// What comes with the program is played, whatever was uploaded in its place.
    UPLOADED_PROMPT = "sabotage-uploaded-prompt";
}
