//! The rules of distribution, each told as small stories. Tests carry the number of their rule or invariant.

mod agents;
mod alerts;
mod centre;
mod entering;
mod order;
