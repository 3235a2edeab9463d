//! Where the registry lies. All SQL is in this module; it is the same for both databases, but for
//! the migrations and the way in.

mod chain;
mod open;
mod place;
mod row;
mod transaction;

pub use place::Place;
pub(crate) use row::key_from_row;
pub(crate) use transaction::{BATCH, Column, Note, Transaction, places};

/// What verification and imports report, from time to time: how many of their things are done.
pub type Progress<'a> = &'a mut (dyn FnMut(usize) + Send);
