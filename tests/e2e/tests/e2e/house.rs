//! The house itself: which crate may know which, and what pure crates promise to the compiler.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// Who may know whom. Leaves know nothing of one another; nothing knows the daemon.
const ARROWS: &[(&str, &[&str])] = &[
    ("config", &[]),
    ("sip", &[]),
    ("media", &[]),
    ("acd", &[]),
    ("sip-interop", &["sip"]),
    ("engine", &["acd", "config", "media", "sip"]),
    ("media-io", &["media"]),
    ("replay", &["acd", "config", "engine"]),
    ("store", &["acd", "config", "engine"]),
    ("trace", &["engine", "sip"]),
    ("admin-api", &["config", "engine", "trace"]),
    (
        "lampfield",
        &[
            "admin-api",
            "config",
            "engine",
            "loadgen",
            "media",
            "media-io",
            "replay",
            "sip",
            "store",
            "trace",
        ],
    ),
];
/// Who may know rsip: the edge that speaks its types, and the benches that hold our codec beside it.
const KNOW_RSIP: &[&str] = &["benches", "sip-interop"];
/// The tools of tests, benches and the demo may know what they need; of these only the demo is in the daemon.
const TOOLS: &[&str] = &["benches", "e2e", "loadgen", "scenarios", "sim"];
/// No clock, no thread, no randomness of their own.
const PURE: &[(&str, &str)] = &[
    ("sip", "sip"),
    ("media", "media"),
    ("acd", "engine/acd"),
    ("engine", "engine/core"),
    ("replay", "engine/replay"),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The crates of the workspace, each with those of them it is built on.
fn arrows() -> BTreeMap<String, BTreeSet<String>> {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    let output = command
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let name = |package: &Value| package["name"].as_str().unwrap().to_owned();
    let ours: BTreeSet<String> = packages.iter().map(name).collect();
    let built_on = |package: &Value| {
        let dependencies = package["dependencies"].as_array().unwrap().iter();
        let normal = dependencies.filter(|dependency| dependency["kind"].is_null());
        normal
            .map(name)
            .filter(|name| ours.contains(name))
            .collect()
    };
    packages
        .iter()
        .map(|package| (name(package), built_on(package)))
        .collect()
}

#[test]
fn house_dependencies_point_one_way() {
    let arrows = arrows();
    let allowed: BTreeMap<&str, &[&str]> = ARROWS.iter().copied().collect();
    for (name, built_on) in &arrows {
        let Some(allowed) = allowed.get(name.as_str()) else {
            assert!(
                TOOLS.contains(&name.as_str()),
                "{name} has no place in the house: give it one here"
            );
            assert!(
                !built_on.contains("lampfield"),
                "{name} is built on the daemon"
            );
            continue;
        };
        for other in built_on {
            assert!(
                allowed.contains(&other.as_str()),
                "{name} must not know {other}"
            );
        }
    }
    for (name, _) in ARROWS {
        assert!(arrows.contains_key(*name), "{name} has left the house");
    }
}

#[test]
fn house_rsip_stays_at_the_edge() {
    let knows = |name: &&String| {
        let manifest = std::fs::read_to_string(manifest_of(name)).unwrap();
        manifest.lines().any(|line| line.starts_with("rsip"))
    };
    let arrows = arrows();
    let knowing: Vec<&String> = arrows.keys().filter(knows).collect();
    assert_eq!(knowing, KNOW_RSIP);
}

#[test]
fn house_pure_crates_are_held_by_the_compiler() {
    for (name, directory) in PURE {
        let source = std::fs::read_to_string(root().join(directory).join("src/lib.rs")).unwrap();
        for line in ["#![no_std]", "#![forbid(unsafe_code)]"] {
            assert!(
                source.lines().any(|found| found == line),
                "{name} lacks {line}"
            );
        }
        let lints =
            std::fs::read_to_string(root().join(directory).join("clippy.toml")).unwrap_or_default();
        for banned in [
            "Instant::now",
            "SystemTime::now",
            "thread::spawn",
            "thread::sleep",
            "HashMap::iter",
        ] {
            assert!(
                lints.contains(banned),
                "{name}/clippy.toml does not ban {banned}"
            );
        }
    }
}

#[test]
fn house_every_crate_has_the_house_lints_and_no_unsafe_code() {
    for name in arrows().keys() {
        let manifest = manifest_of(name);
        let text = std::fs::read_to_string(&manifest).unwrap();
        assert!(
            text.contains("[lints]\nworkspace = true"),
            "{} lacks the lints",
            manifest.display()
        );
    }
    let root = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
    assert!(root.contains("unsafe_code = \"deny\""));
}

fn manifest_of(name: &str) -> PathBuf {
    let is_it = |path: &PathBuf| {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        text.contains(&format!("[package]\nname = \"{name}\"\n"))
    };
    let root_toml = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let members = root_toml
        .split("members = [")
        .nth(1)
        .unwrap()
        .split(']')
        .next()
        .unwrap();
    let directories = members
        .split(',')
        .map(|member| member.trim().trim_matches('"'))
        .filter(|member| !member.is_empty());
    let mut manifests = directories.map(|directory| root().join(directory).join("Cargo.toml"));
    manifests
        .find(is_it)
        .unwrap_or_else(|| panic!("no manifest of {name}"))
}
