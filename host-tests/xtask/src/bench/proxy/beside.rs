//! Another build of the filter, which is measured beside this one.

use super::contender::Contender;
use anyhow::{Context, anyhow, bail, ensure};
use clap::ValueEnum;
use serde_json::Value;
use std::fs;
use std::path::PathBuf;
use std::str::FromStr;

/// Another build of the filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Build {
    /// What it is called in the table.
    pub name: String,
    /// Its module.
    pub module: PathBuf,
}

/// What a module of the filter exports that comes from the linker alone.
const UNFINISHED: &[u8] = b"cedarkey_on_request_headers";

/// What a WebAssembly module begins with; a component has another version.
const MAGIC: &[u8] = b"\0asm\x01\0\0\0";

// === impl Build ===

impl Build {
    /// The filter with this module in the place of its own, in a VM of its own.
    pub fn filter(&self, cedarkey: &Value) -> anyhow::Result<Value> {
        let mut filter = cedarkey.clone();
        let module = self.module.to_str().context("the module's path is not UTF-8")?;
        for (place, value) in [
            ("/typed_config/config/name", self.name.as_str()),
            ("/typed_config/config/vm_config/vm_id", &self.name),
            ("/typed_config/config/vm_config/code/local/filename", module),
        ] {
            let place = filter.pointer_mut(place).with_context(|| {
                format!("the filter of `cedarkey render envoy` has nothing at `{place}`")
            })?;
            *place = value.into();
        }
        Ok(filter)
    }
}

impl FromStr for Build {
    type Err = anyhow::Error;

    /// Of `NAME=FILE`.
    fn from_str(text: &str) -> anyhow::Result<Self> {
        let Some((name, file)) = text.split_once('=') else {
            bail!("a name and a module are wanted, as in `plain=target/plain.wasm`");
        };
        let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        ensure!(
            !name.is_empty() && name.chars().all(is_plain),
            "the name `{name}` is not plain: it may have a-z, 0-9 and hyphens"
        );
        let taken = Contender::value_variants().iter().any(|one| one.name() == name);
        ensure!(!taken, "the name `{name}` is that of a contender");
        // Of an error the command line shows nothing but the outermost.
        let cannot = |error| anyhow!("cannot read `{file}`: {error}");
        let module = fs::canonicalize(file).map_err(cannot)?;
        let bytes = fs::read(&module).map_err(cannot)?;
        ensure!(bytes.starts_with(MAGIC), "`{file}` is not a WebAssembly module");
        ensure!(
            !bytes.windows(UNFINISHED.len()).any(|part| part == UNFINISHED),
            "`{file}` comes from the linker alone; `cargo xtask filter --to FILE` writes one that is \
             finished"
        );
        Ok(Self { name: name.into(), module })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn refused(text: &str) -> String {
        format!("{:#}", text.parse::<Build>().unwrap_err())
    }

    #[test]
    fn a_build_is_a_plain_name_and_a_module() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, bytes: &[u8]| {
            let path = folder.path().join(name);
            fs::write(&path, bytes).unwrap();
            path.to_str().unwrap().to_owned()
        };
        let module = file("a=b.wasm", MAGIC);
        let build: Build = format!("plain-2={module}").parse().unwrap();
        assert_eq!(build.name, "plain-2");
        assert_eq!(build.module, fs::canonicalize(&module).unwrap());

        assert!(refused("plain").contains("as in `plain=target/plain.wasm`"));
        assert!(refused(&format!("={module}")).contains("the name `` is not plain"));
        assert!(refused(&format!("a b={module}")).contains("the name `a b` is not plain"));
        assert!(refused(&format!("native={module}")).contains("is that of a contender"));
        assert!(refused("plain=/no/such.wasm").contains("`/no/such.wasm`: No such file"));
        let folder = folder.path().display();
        assert!(refused(&format!("plain={folder}")).contains("Is a directory"));
        let component = file("component.wasm", b"\0asm\x0d\0\x01\0");
        assert!(refused(&format!("plain={component}")).contains("is not a WebAssembly module"));
        let linked = file("linked.wasm", &[MAGIC, UNFINISHED].concat());
        assert!(refused(&format!("plain={linked}")).contains("comes from the linker alone"));
    }

    #[test]
    fn it_is_the_filter_with_another_module_in_another_vm() {
        let filter = |name: &str, module: &str| {
            json!({ "name": "wasm", "typed_config": { "config": {
                "name": name,
                "root_id": "cedarkey",
                "vm_config": { "vm_id": name, "code": { "local": { "filename": module } } },
                "configuration": "the same",
            } } })
        };
        let build = Build { name: "plain".into(), module: "/plain.wasm".into() };
        let beside = build.filter(&filter("cedarkey", "/cedarkey.wasm")).unwrap();
        assert_eq!(beside, filter("plain", "/plain.wasm"));
        // Else it would be cedarkey's own module that is measured.
        assert!(build.filter(&json!({ "typed_config": {} })).is_err());
    }
}
