"""Runs the tests of the packages that a change concerns: those with changed files, and those above them.

Usage: changed.py [--all]

A changed file is one that differs from where this branch left `main`, committed or not. Library and program tests run;
the tests over the whole workspace (`spend-tests`, whose build takes as long as everything else) only with --all, or if
they have changed themselves.

Everything is built in one call whatever has changed, because the packages that are named decide the features of what
they depend on, and with that whether it is built again.
"""

import json
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
WHOLE = "spend-tests"


def output(*command):
    return subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout


def changed_files():
    main = next((name for name in ["main", "origin/main"] if subprocess.run(
        ["git", "rev-parse", "--quiet", "--verify", name], cwd=ROOT, stdout=subprocess.DEVNULL).returncode == 0), "HEAD")
    base = output("git", "merge-base", "HEAD", main).strip()
    new = output("git", "ls-files", "--others", "--exclude-standard").splitlines()
    return output("git", "diff", "--name-only", base).splitlines() + new


def packages():
    """By name: the folder, and the packages of the workspace that it depends on, in tests too."""
    metadata = json.loads(output("cargo", "metadata", "--no-deps", "--locked", "--format-version", "1"))
    found = metadata["packages"]
    names = {package["name"] for package in found}
    return {
        package["name"]: (
            pathlib.Path(package["manifest_path"]).parent.relative_to(ROOT),
            {dependency["name"] for dependency in package["dependencies"] if dependency["name"] in names},
        )
        for package in found
    }


def concerned(files, found):
    """The packages that own changed files or name a changed file of no package, and all packages above them."""
    concerned = set()
    for file in map(pathlib.Path, files):
        if file.suffix == ".py":
            continue
        owners = [name for name, (folder, _) in found.items() if folder in file.parents]
        if owners:
            concerned.add(max(owners, key=lambda name: len(found[name][0].parts)))
        elif file.name in ["Cargo.toml", "Cargo.lock", "rust-toolchain.toml"]:
            concerned.update(found)
        else:
            # Such as the page that a test compares with the options of the command line.
            concerned.update(
                name for name, (folder, _) in found.items()
                if any(f"/{file}" in code.read_text() for code in (ROOT / folder).glob("src/**/*.rs"))
            )
    own_change = WHOLE in concerned
    while above := {name for name, (_, uses) in found.items() if uses & concerned} - concerned:
        concerned |= above
    return concerned if own_change else concerned - {WHOLE}


def main():
    found = packages()
    chosen = set(found) if "--all" in sys.argv[1:] else concerned(changed_files(), found)
    print("tests of", ", ".join(sorted(chosen)) or "nothing", flush=True)
    if not chosen:
        return 0
    # With the feature that `spend-tests` asks for: what `make unit` has built is not built again.
    which = [] if WHOLE in chosen else ["--exclude", WHOLE, "--features", "bedrock-ledger/s3"]
    build = ["cargo", "test", "--locked", "--workspace", *which, "--lib", "--bins", "--no-run"]
    built = subprocess.run(
        [*build, "--message-format", "json-render-diagnostics"], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    if built.returncode != 0:
        return built.returncode
    failed = []
    for line in built.stdout.splitlines():
        artifact = json.loads(line)
        if artifact["reason"] != "compiler-artifact" or not artifact["profile"]["test"] or not artifact["executable"]:
            continue
        folder = pathlib.Path(artifact["manifest_path"]).parent
        name = next(name for name, (own, _) in found.items() if ROOT / own == folder)
        # Those who wait want to read what failed, and not what did not.
        if name in chosen and subprocess.run([artifact["executable"], "--quiet"], cwd=folder).returncode != 0:
            failed.append(name)
    if failed:
        print("failed:", ", ".join(failed), file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
