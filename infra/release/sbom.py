"""Prints what the programs of a release are made of, as a CycloneDX document (https://cyclonedx.org, version 1.6).

Usage: sbom.py [--commit COMMIT] > sbom.cdx.json

Cargo says what each program is built of, for the targets that it is released for and with the features that it is
released with; Cargo.lock has the checksums. The document has no time and no random number, so that two runs on one
commit print the same. What is needed at build time alone (build scripts, procedural macros) is listed too.
"""

import argparse
import json
import pathlib
import re
import subprocess
import tomllib

ROOT = pathlib.Path(__file__).resolve().parents[2]
LAMBDA = ["aarch64-unknown-linux-gnu"]
ANYWHERE = ["x86_64-unknown-linux-musl", "aarch64-unknown-linux-musl", "aarch64-apple-darwin", "x86_64-apple-darwin"]
# Each program: its folder below functions/, the targets and the features that it is released with.
PROGRAMS = {
    "ingest": ("ingest", LAMBDA, []),
    "aggregate": ("aggregate", LAMBDA, []),
    "alert": ("alert", LAMBDA, []),
    "digest": ("digest", LAMBDA, []),
    "bedrock-ledger": ("local", ANYWHERE, ["s3"]),
}


def tree(folder, target, features):
    """The lines of `cargo tree`: the depth of a package, its name and version, and its licence."""
    command = ["cargo", "tree", "--locked", "--quiet", "--edges", "normal,build", "--prefix", "depth"]
    command += ["--format", "\t{p}\t{l}", "--target", target, "--features", ",".join(features)]
    command += ["--manifest-path", str(ROOT / "functions" / folder / "Cargo.toml")]
    return subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT).stdout.splitlines()


def packages(lines):
    """Each package of a tree by (name, version): its licence, and what it is built of. The first one is the program.

    A package whose packages were shown before is marked with (*), and has none below it.
    """
    found, above = {}, []
    for line in lines:
        depth, package, licence = line.split("\t")
        name, version = package.split()[:2]
        key = (name, version.removeprefix("v"))
        del above[int(depth):]
        found.setdefault(key, (licence.removesuffix(" (*)").strip(), set()))
        if above:
            found[above[-1]][1].add(key)
        above.append(key)
    return found


def merged(trees):
    whole = {}
    for found in trees:
        for key, (licence, parts) in found.items():
            whole.setdefault(key, (licence, set()))[1].update(parts)
    return whole


def document(whole, programs, lock, commit):
    """`whole` as `packages` returns it, `programs` the names of ours, `lock` what Cargo.lock says."""
    locked = {(each["name"], each["version"]): each for each in lock["package"]}
    version = next(version for name, version in whole if name in programs)

    def reference(key):
        # Our own crates are published nowhere: the address of a crate of crates.io would name a stranger's.
        return "pkg:cargo/{}@{}".format(*key) if "source" in locked[key] else "{}@{}".format(*key)

    def component(key):
        name, version = key
        licence, _ = whole[key]
        described = {
            "type": "application" if name in programs and "source" not in locked[key] else "library",
            "bom-ref": reference(key),
            "name": name,
            "version": version,
        }
        if licence:
            # Old crates write OR as a slash, which is no SPDX expression.
            described["licenses"] = [{"expression": re.sub(r"\s*/\s*", " OR ", licence)}]
        if "source" in locked[key]:
            described["purl"] = reference(key)
            described["hashes"] = [{"alg": "SHA-256", "content": locked[key]["checksum"]}]
        return described

    properties = {"properties": [{"name": "bedrock-ledger:commit", "value": commit}]} if commit else {}
    keys = sorted(whole)
    release = {"type": "application", "bom-ref": f"release@{version}", "name": "Bedrock Ledger", "version": version}
    ours = [reference(key) for key in keys if key[0] in programs and "source" not in locked[key]]
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": release, **properties},
        "components": [component(key) for key in keys],
        "dependencies": [{"ref": release["bom-ref"], "dependsOn": ours}]
        + [{"ref": reference(key), "dependsOn": sorted(map(reference, whole[key][1]))} for key in keys],
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--commit", default="", help="the commit that the programs were built from")
    arguments = parser.parse_args()
    trees = [
        packages(tree(folder, target, features))
        for folder, targets, features in PROGRAMS.values()
        for target in targets
    ]
    lock = tomllib.loads((ROOT / "Cargo.lock").read_text())
    print(json.dumps(document(merged(trees), set(PROGRAMS), lock, arguments.commit), indent=2))


if __name__ == "__main__":
    main()
