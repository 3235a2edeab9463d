//! What the process's exit status says.

use std::process::ExitCode;

/// Exit statuses, by meaning. `--help` lists them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// It worked.
    Ok = 0,
    /// It did not work, for none of the reasons below; or a test case failed.
    Failure = 1,
    /// `eval` decided to deny.
    Deny = 2,
    /// The project has errors: policies, schema, routes, entities, keys or settings.
    Invalid = 3,
    /// The command line cannot be understood.
    Usage = 4,
    /// The key registry cannot be used, or refused.
    Registry = 5,
    /// The publisher cannot be reached, or fails: it may work another time.
    Publisher = 6,
    /// A bundle or signing key cannot be used.
    Bundle = 7,
    /// The publisher refuses what is sent or asked for, or does not have it: it would do so again.
    Refused = 8,
    /// The publisher has this version or a higher one already: another push was first.
    Conflict = 9,
    /// `fleet status --fail-on-lag` found a proxy that has not the newest version.
    Lag = 10,
    /// The audit, or a key past it, was tampered with.
    Tampered = 11,
    /// What should be a token is none.
    NoToken = 12,
    /// A token is one of another prefix or environment.
    OtherToken = 13,
    /// `report --fail-on` found something as grave.
    Findings = 14,
    /// `leak watch` would have to answer more keys than `--at-most` lets it.
    TooMany = 15,
}

/// The end of the top-level help.
pub const HELP: &str = "\
Exit status:
   0  it worked                                    7  a bundle or signing key cannot be used
   1  it did not work                              8  the publisher refuses, or does not have it
   2  `eval` decided to deny                       9  the publisher has a version as high
   3  the project has errors                      10  a proxy lags (`fleet status --fail-on-lag`)
   4  the command line cannot be understood       11  the audit was tampered with
   5  the registry cannot be used, or refused     12  what should be a token is none
   6  the publisher cannot be reached, or fails   13  a token is of another environment
                                                  14  `report --fail-on` found something
                                                  15  `leak watch` found too many keys

Start with `cedarkey init my-api`, then `cedarkey check -C my-api`.";

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
