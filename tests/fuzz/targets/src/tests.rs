//! The corpus, replayed: what fuzzing found, and each file of it with damage.

use std::fs;
use std::path::{Path, PathBuf};

use crate::{TARGETS, Target};

fn corpus(name: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../corpus").join(name);
    let listed = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<_> = listed.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.into_iter().map(|path| (path.clone(), fs::read(&path).unwrap())).collect()
}

fn replay((name, target): Target) {
    let files = corpus(name);
    assert!(files.len() > 2, "{name} has no corpus");
    for (path, input) in files {
        // So that a test that fails says with which file: `--nocapture` is not needed, since it is captured with the panic.
        println!("{}", path.display());
        target(&input);
        target(input.get(..input.len() / 2).unwrap());
        let mut damaged = input.clone();
        for at in (0..input.len()).step_by(input.len() / 7 + 1) {
            damaged[at] ^= 0x41;
            target(&damaged);
        }
    }
}

macro_rules! replayed {
    ($($target:ident)+) => {
        $(#[test]
        fn $target() {
            replay(*TARGETS.iter().find(|(name, _)| *name == stringify!($target)).unwrap());
        })+

        #[test]
        fn every_target_is_replayed() {
            assert_eq!(TARGETS.map(|(name, _)| name).to_vec(), [$(stringify!($target)),+]);
        }
    };
}

replayed! {
    bill configuration csv_chunk event gzip_chunk key manifest metering model overrides parquet_chunk principal stored
    stored_table usage_type
}
