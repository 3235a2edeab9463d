//! Cedar's extension types: decimal, ipaddr, datetime and duration.
//!
//! See the Cedar reference, "Extension functions". Which strings are read, and which results are
//! out of range, is exactly as in the `cedar-policy` crate; tests compare the two.

pub mod datetime;
pub mod decimal;
pub mod duration;
pub mod ip;

use serde::{Deserialize, Serialize};

/// Why an extension function refused its arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExtError {
    /// The text is not of the form that the constructor reads.
    #[error("the text is not of the required form")]
    Form,
    /// The result does not fit into 64 bits.
    #[error("the result is out of range")]
    Range,
}

macro_rules! functions {
    ($($variant:ident $name:literal,)*) => {
        /// An extension function.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum ExtFn {
            $(#[doc = concat!("`", $name, "`")] $variant,)*
        }

        impl ExtFn {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// Its name in Cedar.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }
    };
}

functions! {
    Datetime "datetime",
    Decimal "decimal",
    Duration "duration",
    DurationSince "durationSince",
    GreaterThan "greaterThan",
    GreaterThanOrEqual "greaterThanOrEqual",
    Ip "ip",
    IsInRange "isInRange",
    IsIpv4 "isIpv4",
    IsIpv6 "isIpv6",
    IsLoopback "isLoopback",
    IsMulticast "isMulticast",
    LessThan "lessThan",
    LessThanOrEqual "lessThanOrEqual",
    Offset "offset",
    ToDate "toDate",
    ToDays "toDays",
    ToHours "toHours",
    ToMilliseconds "toMilliseconds",
    ToMinutes "toMinutes",
    ToSeconds "toSeconds",
    ToTime "toTime",
}

impl ExtFn {
    /// The function of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|function| function.name() == name)
    }

    /// How many arguments it takes, the one that it is a method of among them.
    pub const fn arity(self) -> usize {
        match self {
            Self::DurationSince
            | Self::GreaterThan
            | Self::GreaterThanOrEqual
            | Self::IsInRange
            | Self::LessThan
            | Self::LessThanOrEqual
            | Self::Offset => 2,
            _ => 1,
        }
    }
}

/// Reads digits only, and not more than fit.
fn digits(text: &str) -> Result<u64, ExtError> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(ExtError::Form);
    }
    text.parse().map_err(|_| ExtError::Range)
}
