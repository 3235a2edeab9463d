//! When a VM hands over, and how a report gets to the publisher.

use super::counts::Counts;
use super::mailbox::Mailbox;
use crate::config::Config;
use crate::delivery::{Backoff, LONGEST, Port};
use cedarkey_bundle::usage::{Head, MEDIA_TYPE};
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

/// What brings counts from this VM to the mailbox, and reports from the mailbox to the publisher.
#[derive(Debug)]
pub struct Courier {
    config: Rc<Config>,
    mailbox: Mailbox,
    /// How often this VM hands over, and the process reports, in milliseconds; more often where many
    /// keys are in use.
    every: i64,
    /// When this VM hands over next.
    hands_over: i64,
    /// Whether it could not, when it last was to.
    is_stuck: bool,
    /// When the mailbox is worth a look.
    looks: i64,
    head: Head,
    /// The report that the publisher has not taken yet.
    report: Option<Vec<u8>>,
    /// The call that it is sent with.
    call: Option<u32>,
    backoff: Backoff,
}

/// What became of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was not taken, and will be sent again.
    Delayed,
    /// The publisher does not take it, or is a server that takes none.
    Refused,
    /// It was taken.
    Sent,
}

/// How long a call may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// How long nothing is reported to a server that takes no reports, in milliseconds.
const REST: i64 = 600_000;

/// How much later than others a VM that serves requests empties the mailbox, in milliseconds.
const DEFERENCE: i64 = 1_500;

/// How long a VM waits until it looks again, or tries again to hand over, in milliseconds.
const LOOK: i64 = 1_000;

// === impl Courier ===

impl Courier {
    /// For a configuration that says to report so often; `identity` is random.
    pub fn new(config: &Rc<Config>, every: i64, identity: u64) -> Self {
        Self {
            config: Rc::clone(config),
            mailbox: Mailbox::new(config),
            every,
            hands_over: i64::MIN,
            is_stuck: false,
            looks: i64::MIN,
            head: Head { reporter: identity, sequence: 0 },
            report: None,
            call: None,
            backoff: Backoff::new(identity),
        }
    }

    /// Whether it waits for the answer to this call.
    pub fn awaits(&self, call: u32) -> bool {
        self.call == Some(call)
    }

    /// Does what is due.
    pub fn tick(
        &mut self,
        serves: bool,
        counts: &RefCell<Counts>,
        port: &mut impl Port,
    ) -> Option<Outcome> {
        let now = port.now();
        let is_early = !self.is_stuck && counts.borrow().is_filling();
        if is_early || is_due(self.hands_over, now, self.every) {
            // The first time there is a while to go: a VM has nothing to hand over yet.
            let is_first = self.hands_over == i64::MIN;
            let done = is_first || self.hand_over(now, counts, port);
            self.is_stuck = !done;
            self.hands_over = now.saturating_add(if done { self.every } else { LOOK });
        }
        if self.report.is_none() && is_due(self.looks, now, LOOK) {
            self.looks = now.saturating_add(LOOK);
            self.collect(now, serves, port);
        }
        if self.report.is_some() && self.call.is_none() && self.backoff.is_over(now) {
            return self.send(now, port);
        }
        None
    }

    /// Hands over, whether it is time or not.
    pub fn end(&self, counts: &RefCell<Counts>, port: &mut impl Port) {
        let now = port.now();
        self.hand_over(now, counts, port);
    }

    /// Takes the answer to the call that it waits for.
    pub fn answered(&mut self, status: Option<u16>, port: &mut impl Port) -> Option<Outcome> {
        self.call = None;
        let now = port.now();
        match status {
            Some(200..300) => {
                self.report = None;
                self.backoff.succeeded();
                Some(Outcome::Sent)
            }
            // A server that only has files says so in one way or another.
            Some(300..=407 | 410..=428 | 430..=499 | 501) => {
                self.report = None;
                self.backoff.succeeded();
                if let Some(mail) = self.mailbox.open(now, port) {
                    self.mailbox.rest(mail, now.saturating_add(REST), port);
                }
                Some(Outcome::Refused)
            }
            _ => Some(self.delayed(now)),
        }
    }

    /// Puts what this VM has counted into the mailbox. Tells whether that was done; where it was
    /// not, it goes on counting.
    fn hand_over(&self, now: i64, counts: &RefCell<Counts>, port: &mut impl Port) -> bool {
        if counts.borrow().is_empty() {
            return true;
        }
        let due = now.saturating_add(self.every);
        let Some(mail) = self.mailbox.open(due, port) else { return false };
        let part = counts.borrow_mut().part().encode();
        // Nobody takes reports for a while: what was counted until then is of no use.
        let rests = mail.rests && !is_due(mail.due, now, REST);
        let done = rests || self.mailbox.add(mail, &part, due, port);
        if done {
            counts.borrow_mut().clear();
        }
        done
    }

    /// Makes a report of what is in the mailbox, if it is due.
    fn collect(&mut self, now: i64, serves: bool, port: &mut impl Port) {
        let next = now.saturating_add(self.every);
        let Some(mail) = self.mailbox.open(next, port) else { return };
        let patience = if serves { DEFERENCE } else { 0 };
        let due = mail.due.saturating_add(patience);
        let is_time = mail.is_filling() || is_due(due, now, REST.max(self.every));
        if mail.parts.is_empty() || !is_time {
            return;
        }
        let Some(parts) = self.mailbox.take(mail, next, port) else { return };
        self.head.sequence = self.head.sequence.saturating_add(1);
        let mut report = self.head.encode();
        report.extend(parts);
        self.report = Some(report);
    }

    fn send(&mut self, now: i64, port: &mut impl Port) -> Option<Outcome> {
        let publisher = self.config.publisher.as_ref()?;
        let path = format!("/v1/bundles/{}/usage", self.config.bundle);
        let headers = [
            (":method", "POST"),
            (":path", path.as_str()),
            (":authority", publisher.authority.as_str()),
            ("content-type", MEDIA_TYPE),
        ];
        let body = self.report.as_deref();
        self.call = port.call(&publisher.cluster, &headers, body, TIMEOUT);
        if self.call.is_some() { None } else { Some(self.delayed(now)) }
    }

    fn delayed(&mut self, now: i64) -> Outcome {
        self.backoff.failed(now, LONGEST);
        Outcome::Delayed
    }
}

/// Whether an instant has come. One that is further off than it can be is of a clock that was set
/// back.
fn is_due(at: i64, now: i64, furthest: i64) -> bool {
    !(1..=furthest).contains(&at.saturating_sub(now))
}

// === impl Outcome ===

impl Outcome {
    /// As metrics name it; stable.
    pub fn label(self) -> &'static str {
        match self {
            Self::Delayed => "delayed",
            Self::Refused => "refused",
            Self::Sent => "sent",
        }
    }
}
