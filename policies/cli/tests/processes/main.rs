//! `cedarkey` beside other processes: publishers good and bad, and whoever locks a file.

mod fake;
mod faults;
mod fleet;
mod load;
mod locked;
mod project;
mod publishers;
mod registry;
mod rollback;
mod serve;
mod server;
mod signing;
