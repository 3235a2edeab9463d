//! `cargo xtask bench import`

use crate::steps::heading;
use anyhow::ensure;
use cedarkey_host_kit::{tools, usage};
use clap::Args;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long an import of many keys takes, and that of one with ten bad rows.
///
/// Each bad row must be named, and after it there must be no key.
#[derive(Args, Debug)]
pub struct Import {
    /// How many rows the file has
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(100..))]
    rows: u32,
}

/// What a command took and said.
struct Ran {
    time: Duration,
    /// The most memory that it had, in MB.
    memory: f64,
    status: Option<i32>,
    said: String,
}

/// Rows that cannot be imported, and what is said of each.
const BAD: [(&str, &str); 10] = [
    (",team:payments,import,orders:read,2099-01-01T00:00:00Z", "it has no `sha256`"),
    ("12,team:payments,import,orders:read,2099-01-01T00:00:00Z", "64 hexadecimal digits"),
    ("HASH,,import,orders:read,2099-01-01T00:00:00Z", "needs an owner"),
    ("HASH,team:payments,,orders:read,2099-01-01T00:00:00Z", "needs a purpose"),
    ("HASH,team:sales,import,orders:read,2099-01-01T00:00:00Z", "owner `team:sales` is not known"),
    ("HASH,team:payments,import,a\u{1}b,2099-01-01T00:00:00Z", "is not a scope"),
    ("HASH,team:payments,import,orders:read,2020-01-01T00:00:00Z", "would have expired"),
    ("HASH,team:payments,import,orders:read,soon", "is no instant"),
    ("HASH,team:payments,import", "fields"),
    ("FIRST,team:payments,import,orders:read,2099-01-01T00:00:00Z", "has the same hash"),
];

impl Import {
    /// Runs it.
    pub fn run(self) -> anyhow::Result<bool> {
        heading("get ready");
        let folder = tempfile::tempdir()?;
        let project = folder.path().join("project");
        let cedarkey = tools::cedarkey_release()?;
        let run = |arguments: &[&str]| run(&cedarkey, &project, folder.path(), arguments);
        let made = Command::new(&cedarkey).arg("init").arg(&project).stdout(Stdio::null()).status();
        ensure!(made?.success(), "there is no project");
        let settings = project.join("cedarkey.toml");
        let text = fs::read_to_string(&settings)?;
        let text = text.lines().filter(|line| !line.starts_with("max_lifetime"));
        fs::write(&settings, text.map(|line| format!("{line}\n")).collect::<String>())?;
        let (good, bad) = (folder.path().join("good.csv"), folder.path().join("bad.csv"));
        write(&good, self.rows, false)?;
        write(&bad, self.rows, true)?;

        heading("cedarkey keys import");
        anstream::println!("rows           {:>8}", self.rows);
        let refused = run(&["keys", "import", &bad.to_string_lossy()])?;
        ensure!(refused.status == Some(5), "{:?}: {}", refused.status, refused.said);
        for (number, (_, why)) in (1..).zip(BAD) {
            let line = format!("line {}: ", line(self.rows, number));
            let is_named = |said: &str| said.contains(&line) && said.contains(why);
            ensure!(refused.said.lines().any(is_named), "no `{line}…{why}` in {}", refused.said);
        }
        let wrong = refused.said.matches("bad.csv: line ").count();
        ensure!(wrong == BAD.len(), "{wrong} rows are named: {}", refused.said);
        tell("ten bad rows", &refused);
        let verified = run(&["audit", "verify"])?;
        ensure!(verified.said.contains("0 entries, 0 keys"), "{}", verified.said);

        for (name, arguments) in [
            ("imported", &["keys", "import", &good.to_string_lossy()][..]),
            ("audit verify", &["audit", "verify"]),
        ] {
            let ran = run(arguments)?;
            ensure!(ran.status == Some(0), "{:?}: {}", ran.status, ran.said);
            tell(name, &ran);
        }
        let size = fs::metadata(project.join("keys.db"))?.len();
        anstream::println!("keys.db        {:>8} MB", size / 1_000_000);
        Ok(true)
    }
}

fn tell(name: &str, ran: &Ran) {
    anstream::println!("{name:<14} {:>8.1} s {:>6.0} MB", ran.time.as_secs_f64(), ran.memory);
}

/// On which line a bad row is: they lie all over the file, after the header.
fn line(rows: u32, number: u32) -> u32 {
    (rows / 11).saturating_mul(number).saturating_add(2)
}

/// A table of keys that another system has made.
fn write(file: &Path, rows: u32, has_bad: bool) -> anyhow::Result<()> {
    let mut output = BufWriter::new(File::create(file)?);
    writeln!(output, "sha256,owner,purpose,scopes,expires")?;
    let mut bad = (1..).map(|number| line(rows, number)).zip(BAD).peekable();
    let hash = |row: u32| format!("{:064x}", u128::from(row).saturating_mul(0x9e37_79b9_7f4a_7c15));
    for row in (2..).take(usize::try_from(rows)?) {
        let text = match bad.next_if(|(line, _)| has_bad && *line == row) {
            Some((_, (text, _))) => text,
            None => "HASH,team:payments,import,orders:read,2099-01-01T00:00:00Z",
        };
        writeln!(output, "{}", text.replace("HASH", &hash(row)).replace("FIRST", &hash(2)))?;
    }
    Ok(output.flush()?)
}

fn run(cedarkey: &Path, project: &Path, place: &Path, arguments: &[&str]) -> anyhow::Result<Ran> {
    let log: PathBuf = place.join("log");
    let output = File::create(&log)?;
    let start = Instant::now();
    let mut process = Command::new(cedarkey)
        .args(arguments)
        .arg("-C")
        .arg(project)
        .stdout(output.try_clone()?)
        .stderr(output)
        .spawn()?;
    let mut memory = 0;
    let status = loop {
        // What has ended has no account of it any more.
        memory = usage::peak(process.id()).unwrap_or(memory);
        match process.try_wait()? {
            Some(status) => break status.code(),
            None => sleep(Duration::from_millis(10)),
        }
    };
    let memory = memory as f64 / f64::from(1 << 20);
    Ok(Ran { time: start.elapsed(), memory, status, said: fs::read_to_string(&log)? })
}
