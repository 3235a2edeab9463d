//! The command line on a whole project, as a new user would type it.

use cedarkey_host_kit::deployment::{Deployment, Result};
use cedarkey_host_kit::{ports, tools};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

#[test]
fn a_new_project_is_sound_and_its_cases_come_out() -> Result<()> {
    let deployment = Deployment::new()?;
    assert!(deployment.cedarkey(&["check"])?.starts_with("ok"));
    let tested = deployment.cedarkey(&["test"])?;
    assert!(tested.ends_with(" passed, 0 failed"), "{tested}");
    Ok(())
}

#[test]
fn the_examples_are_sound() -> Result<()> {
    let mut count = 0;
    for example in fs::read_dir(tools::workspace().join("examples"))? {
        let folder = example?.path();
        if !folder.join("cedarkey.toml").is_file() {
            continue;
        }
        for argument in ["check", "test"] {
            let mut command = Command::new(tools::cedarkey()?);
            let output = command.arg(argument).arg("-C").arg(&folder).output()?;
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{}: {said}", folder.display());
        }
        count += 1;
    }
    assert!(count > 1);
    Ok(())
}

/// What `init` makes is what the example shows.
#[test]
fn the_example_is_a_new_project() -> Result<()> {
    let deployment = Deployment::new()?;
    let example = tools::workspace().join("examples/quickstart");
    for folder in ["", "policies/grants", "policies/guardrails", "tests"] {
        for entry in fs::read_dir(example.join(folder))? {
            let file = entry?.path();
            let name = file.strip_prefix(&example)?;
            // A new project has a signing key, and its settings trust it.
            if file.is_dir() || ["README.md", "cedarkey.toml"].iter().any(|n| name.ends_with(n)) {
                continue;
            }
            let (shown, made) = (fs::read(&file)?, fs::read(deployment.project().join(name))?);
            assert!(shown == made, "{}", name.display());
        }
    }
    Ok(())
}

/// What runs before the README's commands. What was started ends with the shell, and what talks to
/// it is tried again for a while, as somebody who types faster than Envoy starts would.
const SHELL: &str = r#"set -eu
trap 'kill $(jobs -p) 2>/dev/null || true; wait' EXIT
again() {
    for _ in $(seq 100); do
        if eval "$1"; then return 0; fi
        sleep 0.2
    done
    return 1
}
"#;

/// Every command of the README's console blocks, in the order in which they stand there. Only
/// addresses are others, for those may be taken.
#[test]
fn the_commands_of_the_readme_work() -> Result<()> {
    let readme = fs::read_to_string(tools::workspace().join("README.md"))?;
    let deployment = Deployment::new()?;
    let free = || ports::free().map(|port| format!("127.0.0.1:{port}"));
    let (listener, admin, publisher) = (free()?, free()?, free()?);
    let script = script(&commands(&readme))
        .replace("cargo xtask filter", &format!("echo '{}'", tools::filter()?.display()))
        .replace("render envoy", &format!("render envoy --listen {listener} --admin {admin}"))
        .replace("envoy -c", "envoy --disable-hot-restart -c")
        .replace("127.0.0.1:8080", &listener)
        .replace("127.0.0.1:9180", &publisher);

    let place = deployment.file("readme");
    fs::create_dir(&place)?;
    let shown = bash(&script, &place, &[tools::cedarkey()?, tools::envoy()?])?;
    for word in
        ["ALLOW", "DENY", "pushed", "\"path\":\"/v1/orders/7\"", "\"owner\":\"team:payments\""]
    {
        assert!(shown.contains(word), "{word}: {shown}");
    }
    Ok(())
}

/// Every command of the guide to keys, in the order in which they stand there.
#[test]
fn the_commands_of_the_guide_to_keys_work() -> Result<()> {
    let guide = fs::read_to_string(tools::workspace().join("docs/keys.md"))?;
    let commands = commands(&guide);
    let deployment = Deployment::new()?;
    let place = deployment.file("guide");
    fs::create_dir(&place)?;
    let shown = bash(&script(&commands), &place, &[tools::cedarkey()?])?;
    for word in [
        "a token of ck_development",
        "plan: 0 keys to create, 0 to change",
        "report",
        "sound: ",
        "cedarkey-ck",
    ] {
        assert!(shown.contains(word), "{word}: {shown}");
    }
    Ok(())
}

/// Runs a script in a folder, with the folders of these programs in the path.
fn bash(script: &str, place: &Path, programs: &[PathBuf]) -> Result<String> {
    let mut path = std::env::var("PATH").unwrap_or_default();
    for program in programs {
        let folder = program.parent().ok_or("the command is in a folder")?;
        path = format!("{}:{path}", folder.display());
    }
    let mut bash = Command::new("bash");
    let output = bash.args(["-c", script]).current_dir(place).env("PATH", path).output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{script}\n{said}");
    Ok(String::from_utf8(output.stdout)?)
}

/// The commands of the console blocks, with their continuation lines.
fn commands(readme: &str) -> Vec<String> {
    let mut commands: Vec<String> = Vec::new();
    let blocks = readme.split("```").skip(1).step_by(2);
    for line in blocks.filter_map(|block| block.strip_prefix("console")).flat_map(str::lines) {
        match (line.strip_prefix("$ "), commands.last_mut()) {
            (Some(command), _) => commands.push(command.into()),
            (None, Some(last)) if last.ends_with('\\') => {
                last.push('\n');
                last.push_str(line.trim_start_matches("> "));
            }
            _ => {}
        }
    }
    commands
}

fn script(commands: &[String]) -> String {
    let mut script = SHELL.to_owned();
    let mut background = false;
    for command in commands {
        if let Some(command) = command.strip_suffix('&') {
            background = true;
            script.push_str(&format!("{command}>> log 2>&1 &\n"));
        } else if background {
            script.push_str(&format!("again '{}'\n", command.replace('\'', r"'\''")));
        } else {
            script.push_str(&format!("{command}\n"));
        }
    }
    script
}
