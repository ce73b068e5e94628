"""Runs the tests of the packages that have changed.

Usage: changed.py [--all]

A changed file is one that differs from where this branch left `main`, committed or not. Library and program tests of its
package run; the packages above it are looked through by the lints alone, which is what keeps this short. --all runs those
of every package.
"""

import json
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent


def output(*command):
    return subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout


def changed_files():
    main = next((name for name in ["main", "origin/main"] if subprocess.run(
        ["git", "rev-parse", "--quiet", "--verify", name], cwd=ROOT, stdout=subprocess.DEVNULL).returncode == 0), "HEAD")
    base = output("git", "merge-base", "HEAD", main).strip()
    new = output("git", "ls-files", "--others", "--exclude-standard").splitlines()
    return output("git", "diff", "--name-only", base).splitlines() + new


def packages():
    """By name: the folder, what cargo knows it by, and whether it has a library."""
    metadata = json.loads(output("cargo", "metadata", "--no-deps", "--locked", "--format-version", "1"))
    return {
        package["name"]: (
            pathlib.Path(package["manifest_path"]).parent.relative_to(ROOT),
            package["id"],
            any("lib" in target["kind"] for target in package["targets"]),
        )
        for package in metadata["packages"]
    }


def concerned(files, found):
    """The packages that own changed files, or name a changed file of no package."""
    concerned = set()
    for file in map(pathlib.Path, files):
        if file.suffix == ".py":
            continue
        owners = [name for name, (folder, *_) in found.items() if folder in file.parents]
        if owners:
            concerned.add(max(owners, key=lambda name: len(found[name][0].parts)))
        elif file.name in ["Cargo.toml", "Cargo.lock", "rust-toolchain.toml"]:
            concerned.update(found)
        else:
            # Such as the page that a test compares with the options of the command line.
            concerned.update(
                name for name, (folder, *_) in found.items()
                if any(f"/{file}" in code.read_text() for code in (ROOT / folder).glob("src/**/*.rs"))
            )
    return concerned


def main():
    found = packages()
    chosen = set(found) if "--all" in sys.argv[1:] else concerned(changed_files(), found)
    print("tests of", ", ".join(sorted(chosen)) or "nothing", flush=True)
    if not chosen:
        return 0
    which = [word for name in sorted(chosen) for word in ["--package", found[name][1]]]
    # Asked for a library where there is none, cargo refuses.
    if any(found[name][2] for name in chosen):
        which.append("--lib")
    test = ["cargo", "test", "--locked", "--quiet", "--no-fail-fast", "--bins", *which]
    return subprocess.run(test, cwd=ROOT).returncode


if __name__ == "__main__":
    sys.exit(main())
