//! `cedarkey` beside other processes: publishers good and bad, and whoever locks a file.

mod bucket;
mod fake;
mod faults;
mod fleet;
mod hostile;
mod leak;
mod load;
mod locked;
mod mint;
mod project;
mod publishers;
mod refuse;
mod registry;
mod report;
mod rollback;
mod secrets;
mod serve;
mod server;
mod signing;
