//! Where a function finds the certificates that AWS's are checked against.
//!
//! `SSL_CERT_FILE` names one file, because reading it is faster than scanning directories. But the TLS library takes the
//! variable at its word: where the file is missing it has no certificate at all, looks nowhere else, and every call fails.
//! Source: `rustls-native-certs`, `load_native_certs`: "certificates are only loaded from the locations specified via
//! environment variables".
//!
//! A process cannot change its own environment safely while other threads may read it. So a function whose file is missing
//! starts itself again, in the same process, with the variable set right.

use std::env;
use std::fs;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use lambda_runtime::tracing;

/// The variable that names the file.
const VARIABLE: &str = "SSL_CERT_FILE";

/// Files that distributions keep their bundle in, that of Amazon Linux 2023 first: `/etc/pki/tls/certs/ca-bundle.crt` is a
/// link to it. Source: `openssl-probe`, `CERTIFICATE_FILE_NAMES`; Fedora's `ca-certificates`, from which Amazon's is made.
const KNOWN: [&str; 6] = [
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/pki/tls/cert.pem",
    "/etc/ssl/certs/ca-bundle.crt",
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/ssl/cert.pem",
];

/// What to read instead of a file that is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Instead {
    /// Another file.
    File(&'static str),
    /// Whatever the TLS library finds by itself.
    Search,
}

/// Lets the function go on with certificates that are there, if the file that the environment names is not. Call it after the
/// logs were started and before anything else: it may begin the program anew.
pub fn find() {
    let Some(asked) = env::var_os(VARIABLE) else { return };
    let asked = Path::new(&asked);
    let Some(instead) = instead(asked, has_something) else { return };
    let mut again = match env::current_exe() {
        Ok(program) => Command::new(program),
        Err(error) => return lost(asked, &error),
    };
    again.args(env::args_os().skip(1));
    let found = match instead {
        Instead::File(file) => {
            again.env(VARIABLE, file);
            file
        }
        Instead::Search => {
            again.env_remove(VARIABLE);
            "wherever the TLS library finds some"
        }
    };
    let asked_for = asked.display();
    tracing::warn!(
        kind = "config.certificates",
        "{VARIABLE} names {asked_for}, which is missing or empty: certificates are read from {found}; set the variable of \
         this function to a file that the runtime has"
    );
    // It returns only where it failed.
    lost(asked, &again.exec());
}

fn lost(asked: &Path, error: &io::Error) {
    tracing::error!(
        kind = "config.certificates",
        "{VARIABLE} names {}, which is missing or empty, and the function cannot start anew without it ({error}): calls to AWS \
         will fail; take the variable away, or set it to a file that the runtime has",
        asked.display()
    );
}

/// What to read instead of the file that was asked for; nothing if that is there.
fn instead(asked: &Path, is_there: impl Fn(&Path) -> bool) -> Option<Instead> {
    if is_there(asked) {
        return None;
    }
    let known = KNOWN.into_iter().find(|file| is_there(Path::new(file)));
    Some(known.map_or(Instead::Search, Instead::File))
}

fn has_something(file: &Path) -> bool {
    fs::metadata(file).is_ok_and(|found| found.is_file() && found.len() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(asked: &str, there: &[&str]) -> Option<Instead> {
        instead(Path::new(asked), |file| there.iter().any(|name| Path::new(name) == file))
    }

    #[test]
    fn a_file_that_is_there_is_read() {
        assert_eq!(of("/own/bundle.pem", &["/own/bundle.pem", KNOWN[0]]), None);
    }

    #[test]
    fn another_bundle_is_read_where_the_file_is_missing_and_any_where_none_is_known() {
        assert_eq!(of(KNOWN[1], &[KNOWN[0], KNOWN[4]]), Some(Instead::File(KNOWN[0])));
        assert_eq!(of(KNOWN[1], &[KNOWN[4]]), Some(Instead::File(KNOWN[4])));
        assert_eq!(of(KNOWN[1], &[]), Some(Instead::Search));
    }

    #[test]
    fn an_empty_file_and_a_folder_count_as_missing() {
        let folder = env::temp_dir();
        let empty = folder.join(format!("no-certificates-{}", std::process::id()));
        fs::write(&empty, "").unwrap();
        assert!(!has_something(&empty) && !has_something(&folder));
        fs::write(&empty, "-----BEGIN CERTIFICATE-----").unwrap();
        assert!(has_something(&empty));
        fs::remove_file(&empty).unwrap();
    }
}
