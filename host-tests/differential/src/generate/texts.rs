//! Texts and numbers, with a liking for edges.

use super::dice::Dice;
use cedarkey_engine::ext::ExtFn;

const LONGS: [i64; 20] = [
    0,
    1,
    -1,
    2,
    3,
    7,
    -2,
    100,
    i64::MAX,
    i64::MIN,
    i64::MAX - 1,
    i64::MIN + 1,
    1 << 32,
    3_037_000_499,
    3_037_000_500,
    -3_037_000_500,
    4_611_686_018_427_387_904,
    86_400_000,
    -86_399_999,
    1_000,
];

const STRINGS: [&str; 24] = [
    "",
    "a",
    "ann",
    "ann*",
    "*",
    "**",
    "é",
    "日本",
    "\u{10ffff}",
    "a\"b\\c",
    "0",
    "1.0",
    "10.0.0.1",
    "admin",
    "\n\t\0\u{7f}",
    "aXb*",
    "A",
    "de",
    "name",
    "t",
    "User",
    "aaab",
    "abab",
    "e\u{301}",
];

/// Ids of entities.
pub(super) const IDS: [&str; 14] =
    ["ann", "b", "", "ann*", "é", "a\"b\\", "0", "1", "x y", "B", "anna", "User", "\n", "Z"];

/// Names of attributes and tags.
pub(super) const NAMES: [&str; 20] = [
    "a", "age", "name", "b", "aa", "owner", "User", "x", "if", "n", "na me", "set", "é", "r", "",
    "B", "_", "type", "id", "context",
];

const DATETIMES: Pool = Pool {
    good: &[
        "1970-01-01",
        "2026-01-01",
        "2024-02-29",
        "2000-02-29T00:00:00Z",
        "0000-01-01",
        "9999-12-31T23:59:59.999Z",
        "1969-12-31T23:59:59.999Z",
        "2026-01-01T00:00:00+2359",
        "2026-01-01T12:34:56.789-0830",
        "0000-01-01T00:00:00.000+2359",
    ],
    bad: &[
        "2026-02-30",
        "2026-1-1",
        "2026-01-01T24:00:00Z",
        "2026-01-01T00:00:60Z",
        "2026-01-01T00:00:00",
        "2026-01-01T00:00:00+2400",
        "2026-01-01T00:00:00+0060",
        "2026-01-01T00:00:00.1Z",
        "1900-02-29",
        "-001-01-01",
        "10000-01-01",
        "2026-01-01Z",
        "2026-01-01t00:00:00Z",
        "2026-00-01",
        "",
    ],
    letters: "0123456789-:.TZ+",
};

const DECIMALS: Pool = Pool {
    good: &[
        "0.0",
        "1.5",
        "1.5000",
        "-0.1",
        "-0.0",
        "922337203685477.5807",
        "-922337203685477.5808",
        "12.3456",
        "0001.1",
    ],
    bad: &[
        "1",
        "1.",
        "1.23456",
        ".5",
        "922337203685477.5808",
        "-922337203685477.5809",
        "+1.0",
        "1.0 ",
        "1e5",
        "",
        "--1.0",
        "1.-5",
        "١.٠",
        "99999999999999999999999.0",
    ],
    letters: "0123456789.-+ ",
};

const DURATIONS: Pool = Pool {
    good: &[
        "0ms",
        "1d",
        "1d2h3m4s5ms",
        "-1d",
        "-5ms",
        "1h",
        "90m",
        "9223372036854775807ms",
        "-9223372036854775808ms",
        "106751991167d",
        "00001s",
        "-1d12h",
    ],
    bad: &[
        "",
        "-",
        "1",
        "1h1d",
        "1d1d",
        "9223372036854775808ms",
        "-9223372036854775809ms",
        "106751991168d",
        "18446744073709551616ms",
        "1.5h",
        "+1h",
        "1 h",
        "ms",
        "1D",
        "-1h-1m",
        "1sm",
    ],
    letters: "0123456789dhms-",
};

const IPS: Pool = Pool {
    good: &[
        "10.0.0.1",
        "10.0.0.0/8",
        "0.0.0.0/0",
        "127.0.0.1",
        "127.0.0.0/8",
        "127.0.0.0/7",
        "224.0.0.1",
        "224.0.0.0/3",
        "239.255.255.255/32",
        "192.168.1.77/24",
        "::1",
        "::",
        "::/0",
        "::1/127",
        "ff00::/8",
        "ff00::/7",
        "2001:db8::1/64",
        "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128",
        "::ffff:a00:1",
    ],
    bad: &[
        "10.0.0.256",
        "10.0.0.0/33",
        "::/129",
        "10.0.0.1/08",
        "::ffff:127.0.0.1",
        "1.2.3",
        "",
        "10.0.0.0/",
        "/8",
        "10.0.0.0/+8",
        " 10.0.0.1",
        "010.0.0.1",
        "::g",
        "10.0.0.0/8/8",
        "[::1]",
        "fe80::1%eth0",
        "0000:0000:0000:0000:0000:0000:0000:00001",
    ],
    letters: "0123456789abf:./",
};

/// Texts for a constructor.
struct Pool {
    /// Those that it reads.
    good: &'static [&'static str],
    /// Those that it refuses.
    bad: &'static [&'static str],
    /// What others are made of.
    letters: &'static str,
}

/// An integer.
pub(super) fn long(dice: &mut Dice<'_, '_>) -> i64 {
    match dice.below(8) {
        0..=5 => dice.pick(&LONGS),
        6 => i64::try_from(dice.below(16)).unwrap_or_default(),
        _ => dice.any(),
    }
}

/// Any text.
pub(super) fn string(dice: &mut Dice<'_, '_>) -> String {
    match dice.below(8) {
        0..=5 => dice.pick(&STRINGS).into(),
        6 => scribble(dice, "ab*é\\", 6),
        _ => {
            let function = constructor(dice);
            any_argument(dice, function)
        }
    }
}

/// A function that makes a value of a text.
pub(super) fn constructor(dice: &mut Dice<'_, '_>) -> ExtFn {
    match dice.below(4) {
        0 => ExtFn::Datetime,
        1 => ExtFn::Decimal,
        2 => ExtFn::Duration,
        _ => ExtFn::Ip,
    }
}

/// A text that a constructor reads.
pub(super) fn argument(dice: &mut Dice<'_, '_>, function: ExtFn) -> String {
    if function == ExtFn::Duration && dice.chance(1, 4) {
        return format!("{}ms", long(dice));
    }
    dice.pick(pool(function).good).into()
}

/// A text that a constructor may read or not.
pub(super) fn any_argument(dice: &mut Dice<'_, '_>, function: ExtFn) -> String {
    let pool = pool(function);
    match dice.below(8) {
        0..=2 => dice.pick(pool.bad).into(),
        3..=5 => {
            let texts = if dice.flip() { pool.good } else { pool.bad };
            let text = dice.pick(texts);
            change(dice, text, pool.letters)
        }
        6 => argument(dice, function),
        _ => scribble(dice, pool.letters, 12),
    }
}

fn pool(function: ExtFn) -> Pool {
    match function {
        ExtFn::Datetime => DATETIMES,
        ExtFn::Decimal => DECIMALS,
        ExtFn::Duration => DURATIONS,
        _ => IPS,
    }
}

/// A few letters.
pub(super) fn scribble(dice: &mut Dice<'_, '_>, letters: &str, most: usize) -> String {
    let letters: Vec<_> = letters.chars().collect();
    let count = dice.below(most.saturating_add(1));
    std::iter::repeat_with(|| dice.pick(&letters)).take(count).collect()
}

/// A text with one character put in, left out or replaced.
fn change(dice: &mut Dice<'_, '_>, text: &str, letters: &str) -> String {
    let letters: Vec<_> = letters.chars().collect();
    let mut text: Vec<_> = text.chars().collect();
    let at = dice.below(text.len().saturating_add(1));
    match (dice.below(3), text.get_mut(at)) {
        (0, Some(place)) => *place = dice.pick(&letters),
        (1, Some(_)) => _ = text.remove(at),
        _ => text.insert(at, dice.pick(&letters)),
    }
    text.into_iter().collect()
}
