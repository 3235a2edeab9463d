//! The lines of a table.
//!
//! The CSV reader gives for a row the place where it began to look for one: behind the end of the
//! row before, or between the two characters of that end, and before empty lines.

use csv::Position;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{self, Read};
use std::rc::Rc;

/// Where those lines begin that have been read, are not empty, and have not been asked for.
#[derive(Clone, Debug, Default)]
pub struct Lines(Rc<RefCell<VecDeque<Line>>>);

/// A line that is not empty.
#[derive(Clone, Copy, Debug)]
struct Line {
    /// Bytes before it in the file.
    offset: u64,
    number: u64,
}

/// What is read, with its lines.
pub struct Counted<R> {
    input: R,
    lines: Lines,
    offset: u64,
    number: u64,
    /// Whether the line has begun.
    is_within: bool,
}

// === impl Lines ===

impl Lines {
    /// The line on which the row begins for which the reader gives that place. Places are asked for
    /// in the order of the file.
    pub fn of(&self, place: &Position) -> u64 {
        let mut lines = self.0.borrow_mut();
        while lines.front().is_some_and(|line| line.offset < place.byte()) {
            lines.pop_front();
        }
        lines.front().map_or(place.line(), |line| line.number)
    }
}

// === impl Counted ===

impl<R> Counted<R> {
    /// Counts what is read; its lines can be asked for.
    pub fn new(input: R) -> (Self, Lines) {
        let lines = Lines::default();
        let counted = Self { input, lines: lines.clone(), offset: 0, number: 1, is_within: false };
        (counted, lines)
    }
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.input.read(buffer)?;
        let mut lines = self.lines.0.borrow_mut();
        for byte in buffer.iter().take(count) {
            match byte {
                b'\n' => {
                    self.number = self.number.saturating_add(1);
                    self.is_within = false;
                }
                b'\r' => {}
                _ if self.is_within => {}
                _ => {
                    lines.push_back(Line { offset: self.offset, number: self.number });
                    self.is_within = true;
                }
            }
            self.offset = self.offset.saturating_add(1);
        }
        Ok(count)
    }
}
