//! Who changes keys, for the audit.

use nix::unistd::{Uid, User, geteuid};

/// The variables that say it, first things first. Containers and cron jobs often have none.
const VARIABLES: [&str; 3] = ["CEDARKEY_ACTOR", "USER", "LOGNAME"];

/// Who this process works for: whom the environment names, or else its user.
pub fn name() -> String {
    let mut said = VARIABLES.iter().filter_map(|name| std::env::var(name).ok());
    said.find(|value| !value.trim().is_empty()).unwrap_or_else(|| of(geteuid()))
}

/// The name of a user; its number, where the machine knows no name.
fn of(uid: Uid) -> String {
    let user = User::from_uid(uid).ok().flatten();
    user.map_or_else(|| format!("uid:{uid}"), |user| user.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_without_a_name_is_its_number() {
        assert_eq!(of(Uid::from_raw(0)), "root");
        assert_eq!(of(Uid::from_raw(4_123_456_789)), "uid:4123456789");
    }
}
