//! A request as it is typed.

use crate::exit::Exit;
use crate::failure::{Context, Failure};
use cedarkey_engine::ext::ip::IpNet;
use cedarkey_engine::gate::{Claim, Host};
use cedarkey_engine::model::ClaimKind;
use clap::Args;
use jiff::Timestamp;
use std::io::BufRead;
use std::net::IpAddr;

/// What stands for a token that is read from standard input.
const STDIN: &str = "-";

/// The request to decide.
#[derive(Args, Debug)]
pub struct Typed {
    /// The token that the request carries; `-` reads it from standard input, where no list of
    /// processes shows it
    #[arg(long, env = "CEDARKEY_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// The method
    #[arg(long, default_value = "GET")]
    pub method: String,
    /// The host
    #[arg(long, default_value = "localhost")]
    pub host: String,
    /// The path and query
    #[arg(long)]
    pub path: String,
    /// A header; repeat for several
    #[arg(short = 'H', long = "header", value_name = "NAME=VALUE", value_parser = header)]
    headers: Vec<(String, String)>,
    /// Where the request comes from
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    source_ip: IpAddr,
    /// The URI in the peer's verified certificate, as in `spiffe://example.com/export`
    #[arg(long, value_name = "URI")]
    tls_peer: Option<String>,
    /// The subject of the peer's verified certificate
    #[arg(long, value_name = "SUBJECT")]
    tls_subject: Option<String>,
    /// A claim of a verified JWT; repeat for several
    #[arg(long = "claim", value_name = "NAME=VALUE", value_parser = pair)]
    claims: Vec<(String, String)>,
    /// When it comes [default: now]
    #[arg(long, value_name = "INSTANT")]
    now: Option<Timestamp>,
}

// === impl Typed ===

impl Typed {
    /// The token, be it from standard input.
    pub fn token(&self) -> Result<Option<String>, Failure> {
        if self.token.as_deref() != Some(STDIN) {
            return Ok(self.token.clone());
        }
        let mut line = String::new();
        let read = std::io::stdin().lock().read_line(&mut line);
        read.context(Exit::Usage, "no token can be read from standard input")?;
        Ok(Some(line.trim().to_owned()))
    }
}

impl Host for &Typed {
    fn now(&mut self) -> i64 {
        self.now.unwrap_or_else(Timestamp::now).as_millisecond()
    }

    fn header(&mut self, name: &str) -> Option<String> {
        let values = self.headers.iter().filter(|(other, _)| other == name);
        let values: Vec<_> = values.map(|(_, value)| value.as_str()).collect();
        if values.is_empty() { None } else { Some(values.join(", ")) }
    }

    fn source_ip(&mut self) -> Option<IpNet> {
        Some(self.source_ip.into())
    }

    fn tls_peer(&mut self) -> Option<String> {
        self.tls_peer.clone()
    }

    fn tls_subject(&mut self) -> Option<String> {
        self.tls_subject.clone()
    }

    /// The value is read as what the schema declares the claim to be.
    fn claim(&mut self, name: &str, kind: ClaimKind) -> Option<Claim> {
        let (_, value) = self.claims.iter().find(|(other, _)| other == name)?;
        match kind {
            ClaimKind::Bool => value.parse().ok().map(Claim::Bool),
            ClaimKind::Long => value.parse().ok().map(Claim::Long),
            ClaimKind::String => Some(Claim::String(value.clone())),
        }
    }
}

fn header(text: &str) -> Result<(String, String), String> {
    pair(text).map(|(name, value)| (name.to_ascii_lowercase(), value))
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write `name=value`")?;
    Ok((name.trim().into(), value.into()))
}
