//! Delivery in VMs of a process that is a map, a clock and a list of calls.

mod keys;
mod lease;
mod load;
mod refuse;
mod shelf;
pub(crate) mod world;
