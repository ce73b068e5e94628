//! What all clients share: credentials, region, timeouts, retries. Loaded once, when the process starts.

use std::sync::{Arc, LazyLock};
use std::thread;
use std::time::Duration;

use aws_config::environment::{EnvironmentVariableCredentialsProvider, EnvironmentVariableRegionProvider};
use aws_config::retry::RetryConfig;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, ConfigLoader, SdkConfig};
use aws_credential_types::provider::ProvideCredentials as _;
use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_http_client::Connector;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_runtime_api::client::http::{
    HttpConnectorSettings, SharedHttpClient, SharedHttpConnector, http_client_fn,
};

use crate::chain::chain;

/// Name, TCP and TLS within a region take milliseconds. Whoever does not answer in this time is better asked again at
/// another of its addresses.
const CONNECT: Duration = Duration::from_secs(3);
/// To the first byte of an answer. S3 and CloudWatch answer within a second or they are in trouble; a conditional write
/// that is queued behind others may take longer.
const READ: Duration = Duration::from_secs(15);
/// One attempt, with what it sends: the largest state is some megabytes. The body of an answer is not part of it: a
/// download may take as long as it moves, which the protection against stalled streams watches.
const ATTEMPT: Duration = Duration::from_secs(30);
/// All attempts of a call and the pauses between them. An invocation has minutes, and must not spend them on one call:
/// what fails here is driven again by the queue or the sweep.
const OPERATION: Duration = Duration::from_secs(75);
/// How many times a call is tried. Three, the SDK's default, has proved short against S3's 503 on a prefix that has just
/// become busy.
const ATTEMPTS: u32 = 5;
/// How long a body may stand still. The SDK's default, written down: less than a sandbox takes to be worth giving up.
const STALLED: Duration = Duration::from_secs(5);

/// The configuration of every client of a function: region, credentials and endpoints (`AWS_ENDPOINT_URL_S3` and the like)
/// from the environment, where Lambda puts a function's region and its role's credentials. Other services that may have
/// them on a person's machine are not prepared to be asked: each takes a client of its own. Call it once.
///
/// Source: AWS Lambda Developer Guide, "Working with Lambda environment variables", "Defined runtime environment
/// variables".
pub async fn of_a_function() -> SdkConfig {
    on_purpose(aws_config::defaults(behavior()))
        .region(EnvironmentVariableRegionProvider::new())
        .credentials_provider(EnvironmentVariableCredentialsProvider::new())
        .load()
        .await
}

/// The configuration of every client of a person's command, from wherever the SDK looks: the environment, profiles, the
/// machine that it runs on. Call it once.
pub async fn of_a_person() -> SdkConfig {
    on_purpose(aws_config::defaults(behavior())).load().await
}

/// Why nothing can be asked of AWS.
#[derive(Debug, thiserror::Error)]
pub enum NotReady {
    /// Nobody says where.
    #[error("no region: set AWS_REGION, or AWS_PROFILE to a profile that has one")]
    NoRegion,
    /// Nobody says who.
    #[error(
        "no credentials: {0}; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, by \
         `eval \"$(aws configure export-credentials --format env)\"` from whatever the AWS CLI is logged in with"
    )]
    NoCredentials(String),
}

/// Whether clients of this configuration know where and as whom to ask. For people's machines: a function is given both.
pub async fn ready(config: &SdkConfig) -> Result<(), NotReady> {
    if config.region().is_none() {
        return Err(NotReady::NoRegion);
    }
    let Some(provider) = config.credentials_provider() else {
        return Err(NotReady::NoCredentials("none are looked for".to_owned()));
    };
    let Err(error) = provider.provide_credentials().await else { return Ok(()) };
    Err(NotReady::NoCredentials(match error {
        // It lists each place over several lines.
        CredentialsError::CredentialsNotLoaded(_) => {
            "none in the environment, in a profile or of this machine".to_owned()
        }
        // Among them: a login by SSO, which is not read without the AWS CLI.
        error => chain(&error).split_whitespace().collect::<Vec<_>>().join(" "),
    }))
}

/// The SDK's defaults as they were on that day: a new release of it changes nothing silently.
pub(crate) fn behavior() -> BehaviorVersion {
    BehaviorVersion::v2026_01_12()
}

/// Nothing about time and repetition is left to the SDK's defaults.
fn on_purpose(loader: ConfigLoader) -> ConfigLoader {
    loader
        .http_client(http_client())
        .timeout_config(timeouts())
        // Not adaptive: that delays first attempts too, by what other calls met.
        .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
        // In both directions. A body is always read whole and at once, so that a slow reader is never taken for a
        // stalled stream.
        .stalled_stream_protection(StalledStreamProtectionConfig::enabled().grace_period(STALLED).build())
}

/// One client for all services: the SDK's own would read the machine's certificates anew for each, and again at its first
/// call. Reading them is the larger part of a start's work, so that it begins at once and on a thread of its own, beside
/// the rest of the start; who calls before it is done waits.
pub(crate) fn http_client() -> SharedHttpClient {
    let ours = HttpConnectorSettings::builder().connect_timeout(CONNECT).read_timeout(READ).build();
    let shared = Arc::new(LazyLock::new(move || connector(ours)));
    let early = Arc::clone(&shared);
    // Where there can be no thread, the first call reads them.
    let _ = thread::Builder::new().name("certificates".to_owned()).spawn(move || LazyLock::force(&early).clone());
    http_client_fn(move |asked, _| {
        // Others than ours are for places where a developer's machine may have credentials, which is asked once.
        let same = asked.connect_timeout() == Some(CONNECT) && asked.read_timeout() == Some(READ);
        if same { LazyLock::force(&shared).clone() } else { connector(asked.clone()) }
    })
}

fn connector(settings: HttpConnectorSettings) -> SharedHttpConnector {
    SharedHttpConnector::new(
        Connector::builder()
            .connector_settings(settings)
            .proxy_config(ProxyConfig::from_env())
            .tls_provider(Provider::rustls(CryptoMode::Ring))
            .build(),
    )
}

pub(crate) fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(CONNECT)
        .read_timeout(READ)
        .operation_attempt_timeout(ATTEMPT)
        .operation_timeout(OPERATION)
        .build()
}

#[cfg(all(test, feature = "s3", feature = "sns"))]
mod tests;
