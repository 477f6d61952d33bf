//! Counts of what stands and what passed.

/// Counts for `/metrics` and for tests: what stands is what would leak.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Figures {
    /// Messages received.
    pub messages: u64,
    /// New INVITEs refused for want of room.
    pub shed: u64,
    /// Requests of nobody we know.
    pub unknown: u64,
    /// Outside calls that their users may not make.
    pub barred: u64,
    /// Calls that are up.
    pub calls: usize,
    /// Legs that are up.
    pub legs: usize,
    /// Dialogs that are up.
    pub dialogs: usize,
    /// SIP transactions.
    pub transactions: usize,
    /// The engine's own deadlines.
    pub timers: usize,
    /// Bound port pairs in stock.
    pub ports_in_stock: usize,
    /// Phones' bindings.
    pub bindings: usize,
}
