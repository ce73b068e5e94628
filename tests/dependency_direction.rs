//! Dependencies point one way: core ← cur ← pipeline, core ← ledger ← pipeline, functions on top. None is unused.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// The names of the packages that `package` links, itself among them.
fn linked(package: &str) -> BTreeSet<String> {
    versions(package, &[]).into_iter().filter_map(|line| line.split(' ').next().map(str::to_owned)).collect()
}

/// The packages that `package` links with these options, as `NAME vVERSION`.
fn versions(package: &str, options: &[&str]) -> BTreeSet<String> {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--offline", "--locked", "-p", package, "-e", "normal", "--prefix", "none", "--format", "{p}"])
        .args(options)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| line.split(' ').take(2).collect::<Vec<_>>().join(" ")).collect()
}

/// The workspace's own packages that `package` links, without itself.
fn own(package: &str) -> BTreeSet<String> {
    let is_own = |name: &String| name.starts_with("spend-") || name == "bedrock-ledger";
    linked(package).into_iter().filter(|name| is_own(name) && name != package).collect()
}

fn names<const N: usize>(names: [&str; N]) -> BTreeSet<String> {
    names.into_iter().map(str::to_owned).collect()
}

#[test]
fn arrows_between_our_packages_point_one_way() {
    assert_eq!(own("spend-core"), names([]));
    assert_eq!(own("spend-cur"), names(["spend-core"]));
    assert_eq!(own("spend-ledger"), names(["spend-core"]));
    assert_eq!(own("spend-pipeline"), names(["spend-core", "spend-cur", "spend-ledger"]));
    assert_eq!(own("spend-aws"), names(["spend-core", "spend-ledger"]));
    assert_eq!(own("bedrock-ledger"), names(["spend-core", "spend-cur", "spend-ledger", "spend-pipeline"]));
}

#[test]
fn no_function_depends_on_another() {
    let steps = ["spend-aws", "spend-core", "spend-ledger"];
    let reading = ["spend-cur", "spend-pipeline"];
    for function in ["ingest", "aggregate"] {
        assert_eq!(own(function), steps.iter().chain(&reading).map(|name| (*name).to_owned()).collect(), "{function}");
    }
    for function in ["alert", "digest@0.1.0"] {
        assert_eq!(own(function), names(steps), "{function}");
    }
}

#[test]
fn each_function_links_the_services_that_it_calls_and_no_others() {
    for (function, services) in [
        ("ingest", vec!["aws-sdk-s3"]),
        ("aggregate", vec!["aws-sdk-cloudwatch", "aws-sdk-s3"]),
        ("alert", vec!["aws-sdk-s3", "aws-sdk-sns"]),
        ("digest@0.1.0", vec!["aws-sdk-s3", "aws-sdk-sns"]),
    ] {
        let linked = linked(function);
        let sdks = linked.iter().map(String::as_str).filter(|name| name.starts_with("aws-sdk-"));
        // aws-config cannot be had without it.
        let called: Vec<_> = sdks.filter(|name| *name != "aws-sdk-sts").collect();
        assert_eq!(called, services, "{function}");
        let reads = linked.contains("parquet");
        assert_eq!(reads, ["ingest", "aggregate"].contains(&function), "{function} and Parquet");
    }
}

#[test]
fn the_core_knows_no_file_format_no_network_no_runtime_and_no_randomness() {
    let linked = linked("spend-core");
    for stranger in ["serde_json", "toml", "csv", "parquet", "arrow", "tokio", "rand", "getrandom", "sha2"] {
        assert!(!linked.contains(stranger), "spend-core links {stranger}");
    }
}

#[test]
fn what_alerts_and_digests_are_made_of_links_no_parquet() {
    let linked = linked("spend-ledger");
    for stranger in ["parquet", "arrow", "arrow-array", "spend-cur"] {
        assert!(!linked.contains(stranger), "spend-ledger links {stranger}");
    }
}

#[test]
fn the_command_line_links_no_aws_sdk() {
    let strangers: Vec<_> = linked("bedrock-ledger")
        .into_iter()
        .filter(|name| name.starts_with("aws-") || ["hyper", "rustls", "openssl-sys", "ring"].contains(&name.as_str()))
        .collect();
    assert!(strangers.is_empty(), "{strangers:?}");
}

#[test]
fn one_http_client_and_one_tls_library_are_linked_and_neither_is_an_old_one() {
    for (package, options) in [("spend-aws", "--all-features"), ("bedrock-ledger", "--features=s3")] {
        let linked = versions(package, &[options]);
        let begins = |start: &str| linked.iter().filter(|line| line.starts_with(start)).collect::<Vec<_>>();
        for stranger in
            ["hyper v0.", "h2 v0.3", "aws-lc-rs ", "openssl v", "openssl-sys ", "native-tls ", "rustls v0.21", "p256 "]
        {
            assert!(begins(stranger).is_empty(), "{package} links {:?}", begins(stranger));
        }
        for wanted in ["hyper v1.", "rustls v0.23", "ring ", "aws-sdk-s3 "] {
            assert_eq!(begins(wanted).len(), 1, "{package} links {:?} of {wanted}", begins(wanted));
        }
    }
}

#[test]
fn a_feature_of_the_aws_package_links_its_own_service_alone() {
    let sdks = ["aws-sdk-s3", "aws-sdk-cloudwatch", "aws-sdk-sns", "lambda_runtime"];
    for (feature, sdk) in ["s3", "cloudwatch", "sns", "lambda"].into_iter().zip(sdks) {
        let linked = versions("spend-aws", &["--features", feature]);
        let found: Vec<_> =
            sdks.into_iter().filter(|sdk| linked.iter().any(|line| line.split(' ').next() == Some(sdk))).collect();
        assert_eq!(found, [sdk], "{feature}");
    }
}

/// Whether Rust code in a folder, or below it, names a crate. Folders with a manifest of their own are other packages.
fn names_crate(folder: &Path, name: &str) -> bool {
    std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).any(|path| {
        if path.is_dir() {
            return path.file_name().is_some_and(|folder| folder != "target")
                && !path.join("Cargo.toml").exists()
                && names_crate(&path, name);
        }
        if path.extension().is_none_or(|extension| extension != "rs") {
            return false;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        ["::", "!", " as ", ";"].iter().any(|after| {
            let is_within_a_name = |before: char| before.is_alphanumeric() || before == '_';
            let named = format!("{name}{after}");
            text.match_indices(&named).any(|(at, _)| !text[..at].ends_with(is_within_a_name))
        })
    })
}

#[test]
fn every_dependency_that_a_package_names_is_used_in_its_code() {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--offline", "--locked", "--no-deps", "--format-version", "1"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let mut unused = Vec::new();
    for package in metadata["packages"].as_array().unwrap() {
        let folder = Path::new(package["manifest_path"].as_str().unwrap()).parent().unwrap();
        for dependency in package["dependencies"].as_array().unwrap() {
            let name = dependency["name"].as_str().unwrap();
            if !names_crate(folder, &name.replace('-', "_")) {
                unused.push(format!("{} of {}", name, package["name"]));
            }
        }
    }
    assert!(unused.is_empty(), "remove from Cargo.toml: {unused:?}");
}
